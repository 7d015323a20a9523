// 64-bit mixes: products, rotations and exclusive ors over n mebibytes, as hash functions have them.
#include "kernel.h"

enum { WORDS = 1 << 14 };
static unsigned long long words[WORDS];

static unsigned long long rotate(unsigned long long x, int by) { return x << by | x >> (64 - by); }

unsigned run(unsigned n) {
  for (unsigned i = 0; i < WORDS; i++) words[i] = i * 0x9e3779b97f4a7c15ULL;
  unsigned long long a = 1, b = 2;
  for (unsigned round = 0; round < n * 8; round++) {
    for (unsigned i = 0; i < WORDS; i += 2) {
      a = rotate(a + words[i] * 0xc2b2ae3d27d4eb4fULL, 31) * 0x9e3779b185ebca87ULL;
      b = rotate(b ^ words[i + 1], 27) * 5 + (a >> 33);
      if ((b & 0xff) == 0) a ^= b;
    }
    words[round % WORDS] ^= a + b;
  }
  a ^= b ^ b >> 29;
  return (unsigned)(a ^ a >> 32);
}
