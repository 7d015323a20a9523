// Atomic operations, without anyone to share them with: n million of them.
#include "kernel.h"

static unsigned counter, lock, cells[64];
static unsigned long long total;

unsigned run(unsigned n) {
  counter = lock = 0, total = 0;
  for (unsigned i = 0; i < 64; i++) cells[i] = i;
  for (unsigned i = 0; i < n * 250000; i++) {
    unsigned expected = 0;
    if (__atomic_compare_exchange_n(&lock, &expected, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
      unsigned old = __atomic_fetch_add(&counter, 3, __ATOMIC_SEQ_CST);
      unsigned *cell = &cells[old & 63];
      __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_SEQ_CST) ^ i, __ATOMIC_SEQ_CST);
      __atomic_fetch_add(&total, *cell, __ATOMIC_SEQ_CST);
      __atomic_store_n(&lock, 0, __ATOMIC_SEQ_CST);
    }
  }
  return counter ^ (unsigned)total ^ (unsigned)(total >> 32) ^ cells[7];
}
