// There are signals up to 64.
#include "gap.h"

static volatile int came;
static void counts(int signal) { came += signal; }

int main(void) {
  for (int which = 61; which <= 64; which++) {
    came = 0;
    LINUX(signal(which, counts) != SIG_ERR);
    raise(which);
    LINUX(came == which);
  }
  return gap_found;
}
