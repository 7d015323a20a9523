// prctl and socket options are the kernel's to know.
#include <sys/prctl.h>

#include "gap.h"

int main(void) {
  LINUX(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) > 0);
  LINUX(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) == 0);
  LINUX(prctl(PR_CAPBSET_READ, 0, 0, 0, 0) >= 0);
  LINUX(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0), value = 0;
  socklen_t size = sizeof value;
  LINUX(getsockopt(fd, SOL_SOCKET, 49 /* SO_INCOMING_CPU */, &value, &size) == 0);
  LINUX(ERROR_OF(getsockopt(fd, SOL_SOCKET, 12345, &value, &size)) == ENOPROTOOPT);
  return gap_found;
}
