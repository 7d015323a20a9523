// fcntl looks at the descriptor first, and knows all commands.
#include "gap.h"

int main(void) {
  LINUX(ERROR_OF(fcntl(-1, F_SETLK, BAD)) == EBADF);
  LINUX(ERROR_OF(fcntl(-1, 12345)) == EBADF);
  uid_t ids[2];
  LINUX(fcntl(0, 17 /* F_GETOWNER_UIDS */, ids) == 0);
  return gap_found;
}
