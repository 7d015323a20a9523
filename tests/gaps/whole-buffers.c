// A buffer is looked at as far as it is used, and not if it is not.
#include <sys/inotify.h>

#include "gap.h"

int main(void) {
  int empty = open("/dev/null", O_RDWR), watch = inotify_init();
  LINUX(read(empty, BAD, 8) == 0);
  LINUX(write(empty, BAD, 8) == 8);
  inotify_add_watch(watch, ".", IN_CREATE);
  close(open("made", O_RDWR | O_CREAT, 0600));
  LINUX(ERROR_OF(read(watch, BAD, 8)) == EINVAL);
  return gap_found;
}
