// A program break near the top of all addresses is refused.
#include "gap.h"

static void asks(void) {
  long now = syscall(SYS_brk, 0);
  LINUX(syscall(SYS_brk, -1L) == now);
}

int main(void) {
  LINUX(IN_CHILD(asks()) == 0);
  return gap_found;
}
