// The system's names. Both worlds run on one kernel, so they agree on all of them.
//
// cases:
//   default: { differs: { "{isa}": the machine's name } }
#include <sys/utsname.h>

#include "common.h"

int main(void) {
  struct utsname names;
  memset(&names, 'x', sizeof names);
  LIBC(uname(&names));
  printf("%s\n%s\n%s\n%s\n%s\n", names.sysname, names.nodename, names.release, names.version,
         names.machine);
  CHECK(strcmp(names.sysname, "Linux") == 0);
  CHECK(sizeof names == 6 * 65);
  RAW(raw(uname, (void *)0));
  return 0;
}
