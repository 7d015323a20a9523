// Limits on memory are those that were set.
#include <sys/resource.h>

#include "gap.h"

int main(void) {
  int kinds[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK};
  for (int i = 0; i < 3; i++) {
    struct rlimit limit = {1 << 30, 1 << 30}, now = {0, 0};
    setrlimit((unsigned)kinds[i], &limit);
    getrlimit((unsigned)kinds[i], &now);
    LINUX(now.rlim_cur == 1 << 30);
  }
  return gap_found;
}
