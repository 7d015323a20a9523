// setgroups asks whether it may before it looks at its list.
#include <grp.h>

#include "gap.h"

static void asks(void) {
  // In a namespace without that user, root may not, either.
  if (setuid(1000) != 0) errno = 0;
  LINUX(ERROR_OF(syscall(SYS_setgroups, 1, BAD)) == EPERM);
}

int main(void) {
  LINUX(IN_CHILD(asks()) == 0);
  return gap_found;
}
