// Threads that map, protect, move, unmap, grow the break and the memory itself, all at once; and
// copies of the process made meanwhile. What a thread has mapped stays its own: each byte says
// whose it is.
//
// cases:
//   all: { args: ["400"] }
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common.h"

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define THREADS 4
#define HELD 24
#define GROWN 16

static int rounds;
static int wrong[THREADS];
static _Atomic int done;

static uint32_t next(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

// Memory that the module itself grows by, if it can; an ordinary mapping natively.
static char *grown(size_t pages) {
#ifdef __wasm__
  size_t before = __builtin_wasm_memory_grow(0, pages * PAGE / 65536);
  return before == (size_t)-1 ? MAP_FAILED : (char *)(before * 65536);
#else
  return mmap(NULL, pages * PAGE, RW, ANON, -1, 0);
#endif
}

static void fill(char *p, size_t pages, char mark) {
  for (size_t i = 0; i < pages; i++) p[i * PAGE] = p[i * PAGE + PAGE - 1] = mark;
}

static int holds(const char *p, size_t pages, char mark) {
  for (size_t i = 0; i < pages; i++)
    if (p[i * PAGE] != mark || p[i * PAGE + PAGE - 1] != mark) return 0;
  return 1;
}

static void *work(void *argument) {
  int self = (int)(intptr_t)argument;
  uint32_t state = 12345u + (uint32_t)self * 7919u;
  struct {
    char *at;
    size_t pages;
    char mark;
  } held[HELD] = {0};
  for (int round = 0; round < rounds; round++) {
    int slot = (int)(next(&state) % HELD);
    char *p = held[slot].at;
    size_t pages = held[slot].pages;
    char mark = (char)(1 + self + 4 * (next(&state) % 60));
    if (p && !holds(p, pages, held[slot].mark)) {
      wrong[self]++;
      return NULL;
    }
    if (!p) {
      held[slot].pages = pages = 1 + next(&state) % 16;
      if (next(&state) % 64 == 0)
        p = grown(held[slot].pages = pages = GROWN);
      else if (next(&state) % 4 == 0)
        p = mmap(NULL, pages * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      else
        p = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);
      if (p == MAP_FAILED) continue;
      for (size_t i = 0; i < pages; i++) wrong[self] += p[i * PAGE] != 0;
      held[slot].at = p;
      held[slot].mark = mark;
      fill(p, pages, mark);
      continue;
    }
    switch (next(&state) % 6) {
      case 0:
      case 1:
        if (munmap(p, pages * PAGE) != 0) wrong[self]++;
        held[slot].at = NULL;
        break;
      case 2: {
        size_t more = 1 + next(&state) % 20;
        char *to = mremap(p, pages * PAGE, more * PAGE, MREMAP_MAYMOVE);
        // A part that the module grew by may lie next to another thread's.
        if (to == MAP_FAILED) break;
        if (!holds(to, more < pages ? more : pages, held[slot].mark)) wrong[self]++;
        // A shared mapping has no pages beyond what it was made with.
        held[slot].at = to;
        held[slot].pages = more < pages ? more : pages;
        if (more > pages) munmap(to + pages * PAGE, (more - pages) * PAGE);
        break;
      }
      case 3:
        if (mprotect(p, pages * PAGE, PROT_READ) != 0) wrong[self]++;
        if (!holds(p, pages, held[slot].mark)) wrong[self]++;
        if (mprotect(p, pages * PAGE, RW) != 0) wrong[self]++;
        break;
      case 4:
        // In its own place, with nothing in between for others to take.
        if (mmap(p, pages * PAGE, RW, ANON | MAP_FIXED, -1, 0) != p) wrong[self]++;
        for (size_t i = 0; i < pages; i++) wrong[self] += p[i * PAGE] != 0;
        fill(p, pages, held[slot].mark);
        break;
      default:
        fill(p, pages, mark);
        held[slot].mark = mark;
    }
  }
  for (int slot = 0; slot < HELD; slot++) {
    if (!held[slot].at) continue;
    if (!holds(held[slot].at, held[slot].pages, held[slot].mark)) wrong[self]++;
    munmap(held[slot].at, held[slot].pages * PAGE);
  }
  done++;
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  rounds = atoi(argv[1]);
  pthread_t threads[THREADS];
  for (intptr_t i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) die("pthread_create");
  int failed = 0;
  // Copies see memory as it was at one moment, and can use their own.
  for (int i = 0; i < 20 || (rounds > 1000 && done < THREADS); i++) {
    int pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      for (int j = 0; j < 10; j++) {
        char *p = mmap(NULL, 64 * PAGE, RW, ANON, -1, 0);
        if (p == MAP_FAILED) _exit(1);
        fill(p, 64, 'c');
        if (!holds(p, 64, 'c') || munmap(p + PAGE, 62 * PAGE) != 0) _exit(2);
        if (p[0] != 'c' || p[63 * PAGE] != 'c') _exit(3);
      }
      _exit(0);
    }
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0) failed++;
  }
  for (int i = 0; i < THREADS; i++)
    if (pthread_join(threads[i], NULL) != 0) die("pthread_join");
  for (int i = 0; i < THREADS; i++) printf("thread %d: %d wrong\n", i, wrong[i]);
  printf("%d copies failed\n", failed);
  return 0;
}
