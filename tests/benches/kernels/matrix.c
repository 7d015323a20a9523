// Nested loops over floating-point arrays: products of two matrices, n times.
#include "kernel.h"

enum { SIZE = 128 };
static float a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

unsigned run(unsigned n) {
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++) {
      a[i][j] = (float)(i * 3 + j) / SIZE;
      b[i][j] = (float)(i - j * 2) / SIZE;
      c[i][j] = 0;
    }
  while (n--)
    for (int i = 0; i < SIZE; i++)
      for (int j = 0; j < SIZE; j++) {
        float sum = 0;
        for (int k = 0; k < SIZE; k++) sum += a[i][k] * b[k][j];
        c[i][j] = c[i][j] * 0.5f + sum;
      }
  unsigned bits, total = 0;
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++) {
      __builtin_memcpy(&bits, &c[i][j], sizeof bits);
      total = total * 31 + bits;
    }
  return total;
}
