// More mappings than the kernel keeps for a process: the error comes cleanly, nothing is lost,
// and when there is room again everything works as before.
//
// cases:
//   all: {}
#include <sys/mman.h>

#include "common.h"

#define PAGE 4096
#define MOST 40000
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

int main(void) {
  // Every second page may not be written: no two neighbours can be one mapping.
  char *p = mmap(NULL, 2 * MOST * PAGE, PROT_READ, ANON | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) die("mmap");
  int made = 0;
  while (made < MOST && mprotect(p + 2 * made * PAGE, PAGE, RW) == 0) {
    p[2 * made * PAGE] = (char)(made % 100 + 1);
    made++;
  }
  printf("%s\n", made == MOST ? "all" : error_name(errno));
  CHECK(made > 10000);
  // No more can be split: not by protecting, unmapping, mapping over, moving.
  char *end = p + 2 * made * PAGE;
  int failed = 0;
  failed += mprotect(end + PAGE, PAGE, RW) != 0;
  failed += mprotect(end + 3 * PAGE, PAGE, PROT_NONE) != 0;
  failed += munmap(end + 5 * PAGE, PAGE) != 0;
  failed += mmap(end + 7 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == MAP_FAILED;
  printf("some fail: %s\n", failed ? "yes" : "NO");
  int wrong = 0;
  for (int i = 0; i < made; i++) {
    wrong += p[2 * i * PAGE] != (char)(i % 100 + 1);
    wrong += p[(2 * i + 1) * PAGE] != 0;
  }
  printf("%d wrong\n", wrong);
  // What merges again makes room.
  LIBC(mprotect(p, 200 * PAGE, RW));
  for (int i = 0; i < 50; i++) {
    char *q = mmap(NULL, 3 * PAGE, RW, ANON, -1, 0);
    if (q == MAP_FAILED) die("mmap");
    q[0] = 1;
    if (munmap(q + PAGE, PAGE) != 0) die("munmap");
    if (munmap(q, 3 * PAGE) != 0) die("munmap");
  }
  for (int i = 0; i < 100; i++) wrong += p[2 * i * PAGE] != (char)(i % 100 + 1);
  printf("%d wrong\n", wrong);
  // All of it goes at once.
  LIBC(munmap(p, 2 * MOST * PAGE));
  p = mmap(NULL, 2 * MOST * PAGE, RW, ANON | MAP_NORESERVE, -1, 0);
  CHECK(p != MAP_FAILED);
  for (int i = 0; i < MOST; i += 100) wrong += p[2 * i * PAGE] != 0;
  printf("%d wrong\n", wrong);
  // Mapped and unmapped for long, every other one kept: no more mappings than that.
  for (int round = 0; round < 30; round++) {
    char *kept[64];
    for (int i = 0; i < 64; i++) {
      kept[i] = mmap(NULL, (size_t)(i % 5 + 1) * PAGE, RW, ANON, -1, 0);
      char *gone = mmap(NULL, (size_t)(i % 3 + 1) * PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      if (kept[i] == MAP_FAILED || gone == MAP_FAILED) die("mmap");
      kept[i][0] = (char)i;
      munmap(gone, (size_t)(i % 3 + 1) * PAGE);
    }
    for (int i = 0; i < 64; i++) {
      wrong += kept[i][0] != (char)i;
      munmap(kept[i], (size_t)(i % 5 + 1) * PAGE);
    }
  }
  printf("%d wrong\n", wrong);
  return 0;
}
