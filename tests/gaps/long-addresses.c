// A socket address that is said to be very long is an error, not a crash.
#include "gap.h"

static void binds(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  LINUX(ERROR_OF(syscall(SYS_bind, fd, BAD, 0x7ffffff0)) == EINVAL);
}

int main(void) {
  LINUX(IN_CHILD(binds()) == 0);
  return gap_found;
}
