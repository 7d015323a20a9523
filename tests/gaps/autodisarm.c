// A stack for handlers may disarm itself.
#include "gap.h"

int main(void) {
  static char room[65536];
  stack_t stack = {.ss_sp = room, .ss_size = sizeof room, .ss_flags = 1 << 31};
  LINUX(syscall(SYS_sigaltstack, &stack, NULL) == 0);
  return gap_found;
}
