// sysinfo has to have a place for what it tells.
#include "gap.h"

int main(void) {
  LINUX(ERROR_OF(syscall(SYS_sysinfo, NULL)) == EFAULT);
  return gap_found;
}
