// Indirect calls: a little machine that picks its next step from a table, n million times.
#include "kernel.h"

typedef unsigned step(unsigned);

static unsigned add(unsigned x) { return x + 0x9e3779b9; }
static unsigned twist(unsigned x) { return x ^ x >> 15; }
static unsigned scale(unsigned x) { return x * 2654435761u; }
static unsigned turn(unsigned x) { return x << 7 | x >> 25; }

// Volatile, so that the table is read and the calls stay indirect.
static step *volatile steps[4] = {add, twist, scale, turn};

unsigned run(unsigned n) {
  unsigned x = 1;
  for (unsigned i = 0; i < n * 1000000; i++) x = steps[(x >> 3 ^ i) & 3](x);
  return x;
}
