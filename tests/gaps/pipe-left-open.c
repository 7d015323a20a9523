// pipe2 that cannot say its descriptors has none.
#include "gap.h"

int main(void) {
  int before = dup(0);
  close(before);
  LINUX(ERROR_OF(syscall(SYS_pipe2, BAD, 0)) == EFAULT);
  LINUX(dup(0) == before);
  return gap_found;
}
