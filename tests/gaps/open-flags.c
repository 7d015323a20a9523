// openat2 refuses flags and modes that it does not know, and open knows the access mode 3.
#include <linux/openat2.h>

#include "gap.h"

int main(void) {
  struct open_how how = {.flags = 1ull << 40};
  LINUX(ERROR_OF(syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how)) == EINVAL);
  how = (struct open_how){.flags = O_RDONLY, .mode = 0600};
  LINUX(ERROR_OF(syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how)) == EINVAL);
  int fd = open("/dev/null", 3);
  LINUX(fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == 3);
  return gap_found;
}
