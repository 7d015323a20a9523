// Requests are known, and the descriptor is looked at first.
#include <sys/ioctl.h>

#include "gap.h"

int main(void) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  if (master < 0) return 2;
  LINUX(ioctl(master, TIOCSBRK) == 0);
  LINUX(ioctl(master, TIOCCBRK) == 0);
  LINUX(ERROR_OF(ioctl(-1, 0x12345678)) == EBADF);
  return gap_found;
}
