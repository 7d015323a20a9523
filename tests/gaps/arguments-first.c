// execve looks at the file before at the arguments.
#include "gap.h"

int main(void) {
  LINUX(ERROR_OF(syscall(SYS_execve, "absent", BAD, BAD)) == ENOENT);
  return gap_found;
}
