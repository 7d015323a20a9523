// Copies and fills of all lengths, mostly short ones: n times a thousand of each.
#include "kernel.h"

enum { SIZE = 1 << 16 };
static unsigned char bytes[SIZE];

unsigned run(unsigned n) {
  unsigned seed = 1, sum = 0;
  for (unsigned i = 0; i < SIZE; i++) bytes[i] = (unsigned char)(i * 7);
  for (unsigned i = 0; i < n * 1000; i++) {
    seed = seed * 1103515245 + 12345;
    // Half of them below 16 bytes, one in sixteen up to some thousand.
    unsigned length = seed >> 20 & ((seed & 0x70000) == 0 ? 4095 : seed & 0x40000 ? 15 : 63);
    unsigned from = seed >> 8 & 0x7fff, to = (seed >> 4 & 0x3fff) + 0x8000;
    __builtin_memcpy(bytes + to, bytes + from, length);
    __builtin_memmove(bytes + from + (seed & 15), bytes + from, length);
    __builtin_memset(bytes + to + length / 2, (int)(seed >> 24), length / 2);
    sum = sum * 31 + bytes[to] + bytes[from + 15];
  }
  return sum;
}
