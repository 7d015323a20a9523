// Calls look at their descriptor before they look at what their pointers lead to.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "gap.h"

int main(void) {
  LINUX(ERROR_OF(syscall(SYS_sendmsg, -1, BAD, 0)) == EBADF);
  LINUX(ERROR_OF(syscall(SYS_recvmsg, -1, BAD, 0)) == EBADF);
  LINUX(ERROR_OF(syscall(SYS_readv, -1, BAD, 1)) == EBADF);
  LINUX(ERROR_OF(syscall(SYS_write, -1, BAD, 1)) == EBADF);
  LINUX(ERROR_OF(syscall(SYS_setsockopt, -1, SOL_SOCKET, SO_KEEPALIVE, BAD, 4)) == EBADF);
  return gap_found;
}
