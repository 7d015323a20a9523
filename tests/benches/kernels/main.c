// The native driver: runs the kernel once to warm up, once for the clock.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernel.h"

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  // Unknown to the compiler, so that the work is not done at compile time.
  unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
  unsigned warm = run(n);
  long long start = now();
  unsigned sum = run(n);
  long long took = now() - start;
  if (sum != warm) return 1;
  printf("%u %lld\n", sum, took);
  return 0;
}
