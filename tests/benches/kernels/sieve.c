// Bytes in memory: the sieve of Eratosthenes, n times over a million numbers.
#include "kernel.h"

enum { LIMIT = 1 << 20 };
static unsigned char composite[LIMIT];

unsigned run(unsigned n) {
  unsigned primes = 0;
  while (n--) {
    for (unsigned i = 0; i < LIMIT; i++) composite[i] = 0;
    for (unsigned i = 2; i * i < LIMIT; i++)
      if (!composite[i])
        for (unsigned j = i * i; j < LIMIT; j += i) composite[j] = 1;
    for (unsigned i = 2; i < LIMIT; i++) primes += !composite[i];
  }
  return primes;
}
