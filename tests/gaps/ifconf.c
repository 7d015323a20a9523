// SIOCGIFCONF with a buffer at a bad address is an error, not a crash.
#include <net/if.h>
#include <sys/ioctl.h>

#include "gap.h"

static void asks(void) {
  struct ifconf request = {.ifc_len = 1024, .ifc_buf = BAD};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  LINUX(ERROR_OF(ioctl(fd, SIOCGIFCONF, &request)) == EFAULT);
}

int main(void) {
  LINUX(IN_CHILD(asks()) == 0);
  return gap_found;
}
