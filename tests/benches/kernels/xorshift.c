// 64-bit integers in registers: a generator of n million random numbers.
#include "kernel.h"

unsigned run(unsigned n) {
  unsigned long long x = 88172645463325252ULL, sum = 0;
  for (unsigned long long i = n * 1000000ULL; i; i--) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    sum += x * 2685821657736338717ULL >> 32;
  }
  return (unsigned)(sum ^ sum >> 32);
}
