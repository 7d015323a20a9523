// Accesses that fault: which signal comes, with which code and address, for all kinds of access
// to all kinds of pages; and what goes on if the handler jumps away, or puts a page there.
//
// cases:
//   all: {}
//   unhandled: { args: [read, "0"], signal: 11 }
//   protected: { args: [write, "2"], signal: 11 }
//   beyond: { args: [read, "6"], signal: 7 }
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "common.h"

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *arena;
static sigjmp_buf place;
static volatile int signal_seen, code_seen, mends;
static volatile long address_seen;

static const char *const names[] = {"unmapped", "none", "read only", "read and write",
                                    "unmapped", "of a file", "beyond its end"};

static void on_fault(int signal, siginfo_t *info, void *context) {
  (void)context;
  signal_seen = signal;
  code_seen = info->si_code;
  address_seen = (long)((char *)(uintptr_t)info->si_addr - arena);
  if (mends) {
    mends = 0;
    char *page = arena + (address_seen & -PAGE);
    if (signal == SIGBUS || mprotect(page, PAGE, RW) != 0)
      if (mmap(page, PAGE, RW, ANON | MAP_FIXED, -1, 0) != page) _exit(1);
    return;
  }
  siglongjmp(place, 1);
}

static void catch(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = on_fault;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
}

// Pages of all kinds in a row.
static void build(void) {
  int fd = memfd_create("file", 0);
  if (fd < 0 || ftruncate(fd, 100) != 0 || pwrite(fd, "text", 4, 0) != 4) die("file");
  if (!arena) arena = mmap(NULL, 8 * PAGE, PROT_NONE, ANON, -1, 0);
  if (mmap(arena, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0) != arena) die("arena");
  memset(arena, 0, 8 * PAGE);
  if (munmap(arena, PAGE) != 0 || munmap(arena + 4 * PAGE, PAGE) != 0) die("munmap");
  if (mprotect(arena + PAGE, PAGE, PROT_NONE) != 0) die("mprotect");
  if (mprotect(arena + 2 * PAGE, PAGE, PROT_READ) != 0) die("mprotect");
  char *at = arena + 5 * PAGE;
  if (mmap(at, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0) != at) die("file");
  close(fd);
}

static volatile unsigned long long sink;

#define ACCESSES(DO)                                                                              \
  DO("load 1", sink = *(volatile uint8_t *)p)                                                     \
  DO("load 2", sink = *(volatile uint16_t *)p)                                                    \
  DO("load 4", sink = *(volatile uint32_t *)p)                                                    \
  DO("load 8", sink = *(volatile uint64_t *)p)                                                    \
  DO("load signed 1", sink = (unsigned long long)(long long)*(volatile int8_t *)p)                \
  DO("load signed 4", sink = (unsigned long long)(long long)*(volatile int32_t *)p)               \
  DO("load float", sink = *(volatile float *)p != 0)                                              \
  DO("load double", sink = *(volatile double *)p != 0)                                            \
  DO("store 1", *(volatile uint8_t *)p = 1)                                                       \
  DO("store 2", *(volatile uint16_t *)p = 1)                                                      \
  DO("store 4", *(volatile uint32_t *)p = 1)                                                      \
  DO("store 8", *(volatile uint64_t *)p = 1)                                                      \
  DO("store double", *(volatile double *)p = 1.5)

#define ATOMICS(DO)                                                                               \
  DO("atomic load 4", sink = __atomic_load_n((uint32_t *)p, __ATOMIC_SEQ_CST))                    \
  DO("atomic load 8", sink = __atomic_load_n((uint64_t *)p, __ATOMIC_SEQ_CST))                    \
  DO("atomic load 1", sink = __atomic_load_n((uint8_t *)p, __ATOMIC_SEQ_CST))                     \
  DO("atomic store 4", __atomic_store_n((uint32_t *)p, 1, __ATOMIC_SEQ_CST))                      \
  DO("atomic store 8", __atomic_store_n((uint64_t *)p, 1, __ATOMIC_SEQ_CST))                      \
  DO("atomic add 4", sink = __atomic_fetch_add((uint32_t *)p, 1, __ATOMIC_SEQ_CST))               \
  DO("atomic add 2", sink = __atomic_fetch_add((uint16_t *)p, 1, __ATOMIC_SEQ_CST))               \
  DO("atomic or 8", sink = __atomic_fetch_or((uint64_t *)p, 1, __ATOMIC_SEQ_CST))                 \
  DO("atomic exchange 4", sink = __atomic_exchange_n((uint32_t *)p, 1, __ATOMIC_SEQ_CST))         \
  DO("compare 4", __sync_val_compare_and_swap((uint32_t *)p, 77, 78))                             \
  DO("compare 8", __sync_val_compare_and_swap((uint64_t *)p, 77, 78))

// The page of the address alone where more than the access itself decides about the rest.
#define SHOW(what, exact)                                                                         \
  if (signal_seen)                                                                                \
    printf("%s: signal %d code %d at %ld\n", what, signal_seen, code_seen,                        \
           (exact) ? address_seen : address_seen / PAGE);                                         \
  else                                                                                            \
    printf("%s: fine\n", what)

#define TRY(what, access)                                                                         \
  signal_seen = 0;                                                                                \
  if (sigsetjmp(place, 1) == 0) access;                                                           \
  SHOW(what, 1);

static void each_page(long offset) {
  for (volatile int page = 0; page < 7; page++) {
    char *volatile p = arena + page * PAGE + offset;
    printf("%s, offset %ld\n", names[page], offset);
    ACCESSES(TRY)
    if (offset % 8 == 0) {
      ATOMICS(TRY)
    }
  }
}

// If the handler puts a page there, the instruction starts again.
#define MEND(what, access)                                                                        \
  build();                                                                                        \
  signal_seen = 0, mends = 1;                                                                     \
  if (sigsetjmp(place, 1) == 0) access;                                                           \
  SHOW(what, 1);                                                                                  \
  printf("  now %u\n", *(volatile uint8_t *)p);

static void mending(void) {
  for (volatile int page = 0; page < 7; page++) {
    char *volatile p = arena + page * PAGE + 64;
    printf("%s, mended\n", names[page]);
    ACCESSES(MEND)
    ATOMICS(MEND)
  }
}

static void blocks(void) {
  static char buffer[2 * PAGE];
  for (volatile int page = 0; page < 7; page++) {
    // What lies before the arena is not known.
    for (volatile int before = 0; before < 2 && (page > 0 || !before); before++) {
      volatile size_t n = 600;
      char *volatile p = arena + page * PAGE - before * 300 + 200 * !before;
      printf("%s, blocks %d\n", names[page], before);
      signal_seen = 0;
      if (sigsetjmp(place, 1) == 0) memset(p, 1, n);
      SHOW("memset", 0);
      signal_seen = 0;
      if (sigsetjmp(place, 1) == 0) memcpy(buffer, p, n);
      SHOW("memcpy from", 0);
      signal_seen = 0;
      if (sigsetjmp(place, 1) == 0) memmove(p, buffer, n);
      SHOW("memmove to", 0);
      signal_seen = 0;
      if (sigsetjmp(place, 1) == 0) memmove(p + 8, p, n);
      // Which end a libc begins at is its own business.
      printf("memmove up: signal %d\n", signal_seen);
    }
  }
}

// Moves, copies and fills whose fault is mended: as if there had been none, whatever of the source the
// first part has overwritten.
static void mended_blocks(void) {
  static char model[4 * PAGE];
  long wrong = 0, missed = 0;
  for (size_t n = 1; n < 2 * PAGE; n = n * 3 + 2) {
    for (int shift = -71; shift < 71; shift += 5) {  // never 0: that may be no move at all
      for (int protection = PROT_NONE; protection <= PROT_READ; protection++) {
        char *from = arena + PAGE - n / 3 - 1, *to = from + shift;
        mprotect(arena, 4 * PAGE, RW);
        for (int i = 0; i < 4 * PAGE; i++) model[i] = arena[i] = (char)(i * 7 + i / 251);
        memmove(model + (to - arena), model + (from - arena), n);
        memset(model + PAGE - 1, shift, n);
        if (mprotect(arena + PAGE, PAGE, protection) != 0) die("mprotect");
        mends = 1, signal_seen = 0;
        memmove(to, from, n);
        missed += signal_seen == 0;
        if (mprotect(arena + PAGE, PAGE, protection) != 0) die("mprotect");
        mends = 1;
        memset(arena + PAGE - 1, shift, n);
        if (mprotect(arena + PAGE, PAGE, RW) != 0) die("mprotect");
        wrong += memcmp(model, arena, 4 * PAGE) != 0;
      }
    }
  }
  mends = 0;
  printf("mended blocks: %ld wrong, %ld without a fault\n", wrong, missed);
}

// The kernel says so instead.
static void calls(void) {
  int ends[2], zero = open("/dev/zero", O_RDONLY);
  if (pipe(ends) != 0) die("pipe");
  for (int page = 0; page < 7; page++) {
    char *p = arena + page * PAGE;
    printf("%s, calls\n", names[page]);
    LIBC(write(ends[1], p + 8, 8));
    LIBC(read(zero, p + 8, 8));
    // As far as there are pages.
    if (page > 0) LIBC(read(zero, p - 8, 16));
    struct stat st;
    (void)st;
    LIBC(stat(p + 8, (void *)(p + 16)));
    RAW(raw(pipe2, (int *)(p + PAGE - 4), 0));
    LIBC(getcwd(p + 8, 100) ? 0 : -1);
    RAW(raw(clock_gettime, 0, (void *)(p + PAGE - 8)));
  }
}

int main(int argc, char **argv) {
  build();
  if (argc > 2) {
    volatile char *p = arena + atoi(argv[2]) * PAGE;
    if (argv[1][0] == 'r') return *p;
    *p = 1;
    return 0;
  }
  catch();
  each_page(0);
  each_page(PAGE - 8);
  // Across the boundary to the next page.
  each_page(PAGE - 1);
  mending();
  build();
  blocks();
  calls();
  if (mmap(arena, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0) != arena) die("arena");
  mended_blocks();
  // At the end of everything.
  volatile uint32_t *end = (volatile uint32_t *)(uintptr_t)0xfffffffcu;
  if (sizeof end == 4) {
    signal_seen = 0;
    if (sigsetjmp(place, 1) == 0) sink = *end;
    if (signal_seen != SIGSEGV || code_seen != SEGV_MAPERR) printf("no fault at the end\n");
  }
  return 0;
}
