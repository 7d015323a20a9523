// rt_sigaction drops what nobody can block and flags that nobody knows, and looks at the number
// before it writes.
#include "gap.h"

struct action {
  uint64_t handler, flags;
#ifdef __x86_64__
  uint64_t restorer;
#endif
  uint64_t mask;
};

int main(void) {
  struct action set = {.handler = (uintptr_t)SIG_IGN, .flags = 0x400, .mask = ~0ull}, now = {0};
  LINUX(syscall(SYS_rt_sigaction, SIGUSR1, &set, &now, 8) == 0);
  LINUX(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &now, 8) == 0);
  LINUX((now.mask >> (SIGKILL - 1) & 1) == 0);
  LINUX(now.flags == 0);
  return gap_found;
}
