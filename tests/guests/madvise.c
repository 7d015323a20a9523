// Advice on memory, writing back, residency, and locks with their limits.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common.h"

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#ifdef __wasm__
#define ADDRESS(p) ((uintptr_t)(p))
#else
#define ADDRESS(p) (p)
#endif

static void show(char *p, int pages) {
  unsigned char resident[64];
  for (int i = 0; i < pages; i++) {
    char letter = '-';
    if (mincore(p + i * PAGE, PAGE, resident) == 0) {
      int ends[2];
      if (pipe(ends) != 0) die("pipe");
      letter = '!';
      if (write(ends[1], p + i * PAGE, 1) == 1 && read(ends[0], &letter, 1) == 1 && !letter)
        letter = '0';
      close(ends[0]), close(ends[1]);
    }
    printf("%c", letter);
  }
  puts("");
}

static void advice(void) {
  static const int flags[] = {ANON, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED, MAP_PRIVATE};
  static const int list[] = {0, 1, 2, 3, 4, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 102, 103};
  int fd = memfd_create("file", 0);
  if (fd < 0 || ftruncate(fd, 4 * PAGE) != 0) die("file");
  for (unsigned i = 0; i < sizeof list / sizeof *list; i++) {
    for (int kind = 0; kind < 4; kind++) {
      char *p = mmap(NULL, 4 * PAGE, RW, flags[kind], kind < 2 ? -1 : fd, 0);
      memset(p, 'a', 4 * PAGE);
      int result = madvise(p + PAGE, PAGE + 1, list[i]);
      printf("%d on %d: %s ", list[i], kind, libc_outcome(result));
      // When pages that may go do go is the system's business.
      if (list[i] != 8) show(p, 4); else puts("");
      munmap(p + 2 * PAGE, PAGE);
      LIBC(madvise(p, 4 * PAGE, list[i]));
      LIBC(madvise(p + 2 * PAGE, PAGE, list[i]));
      if (list[i] != 8) show(p, 4);
      mprotect(p, PAGE, PROT_READ);
      LIBC(madvise(p, PAGE, list[i]));
      mprotect(p, PAGE, PROT_NONE);
      LIBC(madvise(p, PAGE, list[i]));
      munmap(p, 4 * PAGE);
    }
  }
  char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
  for (int odd = -3; odd < 32; odd++)
    if (odd < 0 || odd == 5 || odd == 7 || odd == 13 || odd > 25) LIBC(madvise(p, PAGE, odd));
  LIBC(madvise(p + 1, PAGE, MADV_NORMAL));
  LIBC(madvise(p + 1, PAGE, 12345));
  LIBC(madvise(p, 0, MADV_DONTNEED));
  LIBC(madvise(p, (size_t)-1, MADV_DONTNEED));
  LIBC(madvise((void *)-PAGE, 2 * PAGE, MADV_DONTNEED));
  LIBC(mlock(p, 2 * PAGE));
  LIBC(madvise(p, 4 * PAGE, MADV_DONTNEED));
  LIBC(madvise(p, 4 * PAGE, 24));
  LIBC(munlock(p, 2 * PAGE));
}

static void syncing(void) {
  int fd = memfd_create("file", 0);
  if (fd < 0 || ftruncate(fd, 4 * PAGE) != 0) die("file");
  char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
  for (int flags = 0; flags < 9; flags++) LIBC(msync(p, 4 * PAGE, flags));
  LIBC(msync(p + 1, PAGE, MS_SYNC));
  LIBC(msync(p + 1, PAGE, 64));
  LIBC(msync(p, 0, MS_SYNC));
  LIBC(msync(p, 1, MS_SYNC));
  LIBC(msync(p, (size_t)-1, MS_SYNC));
  LIBC(munmap(p + PAGE, PAGE));
  LIBC(msync(p, 4 * PAGE, MS_SYNC));
  LIBC(msync(p, 4 * PAGE, MS_ASYNC));
  LIBC(msync(p + PAGE, PAGE, 0));
  LIBC(mlock(p, PAGE));
  LIBC(msync(p, PAGE, MS_INVALIDATE));
  LIBC(msync(p, 4 * PAGE, MS_SYNC | MS_INVALIDATE));
}

static void residency(void) {
  unsigned char vec[8];
  char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
  p[0] = p[3 * PAGE] = 1;
  memset(vec, 0xee, sizeof vec);
  LIBC(mincore(p, 5 * PAGE, vec));
  printf("%d %d %d %d %d %x\n", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1, vec[4] & 1, vec[5]);
  LIBC(mincore(p, PAGE + 1, vec));
  LIBC(mincore(p + 1, PAGE, vec));
  LIBC(mincore(p, 0, vec));
  LIBC(mincore(p, 0, NULL));
  LIBC(mincore(p, PAGE, NULL));
  LIBC(mincore(p, PAGE, BAD));
  LIBC(mincore(p, (size_t)-1, vec));
  munmap(p + PAGE, PAGE);
  LIBC(mincore(p, 3 * PAGE, vec));
  LIBC(mincore(p + PAGE, PAGE, vec));
  LIBC(mincore((void *)-PAGE, PAGE, vec));
}

static void locks(void) {
  char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
  unsigned char vec[8];
  LIBC(mlock(p + 100, PAGE));
  LIBC(mincore(p, 8 * PAGE, vec));
  printf("%d %d %d\n", vec[0] & 1, vec[1] & 1, vec[2] & 1);
  RAW(raw(mlock2, ADDRESS(p + 3 * PAGE), PAGE, 1));
  RAW(raw(mlock2, ADDRESS(p), PAGE, 2));
  RAW(raw(mlock2, ADDRESS(p), PAGE, 0));
  LIBC(mincore(p, 8 * PAGE, vec));
  printf("%d %d %d\n", vec[3] & 1, vec[4] & 1, vec[5] & 1);
  LIBC(mlock(p, 0));
  LIBC(mlock(p, (size_t)-1));
  LIBC(mlock((void *)-PAGE, 2 * PAGE));
  munmap(p + 5 * PAGE, PAGE);
  LIBC(mlock(p, 8 * PAGE));
  LIBC(munlock(p, 8 * PAGE));
  LIBC(mlock(p + 5 * PAGE, PAGE));
  LIBC(munlock(p + 5 * PAGE, PAGE));
  mprotect(p, PAGE, PROT_NONE);
  LIBC(mlock(p, PAGE));
  LIBC(munlock(p, PAGE));
  RAW(raw(mlockall, 0));
  RAW(raw(mlockall, 4));
  RAW(raw(mlockall, 8));
  RAW(raw(munlockall));
  RAW(raw(munlockall));
}

// What has no privileges may lock as much as the limit says.
static void limited(void) {
  if (getuid() == 0 && setuid(65534) != 0) die("setuid");
  struct rlimit limit = {16 * PAGE, 16 * PAGE};
  LIBC(setrlimit(RLIMIT_MEMLOCK, &limit));
  char *p = mmap(NULL, 64 * PAGE, RW, ANON, -1, 0);
  LIBC(mlock(p, 10 * PAGE));
  LIBC(mlock(p + 10 * PAGE, 7 * PAGE));
  LIBC(mlock(p + 10 * PAGE, 6 * PAGE));
  LIBC(mlock(p, 10 * PAGE));
  LIBC(mlock(p, 17 * PAGE));
  LIBC(munlock(p, 16 * PAGE));
  LIBC(mlock(p, 16 * PAGE));
  char *more = mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0);
  printf("locked at once: %s\n", more == MAP_FAILED ? error_name(errno) : "mapped");
  char *wide = mremap(p, 16 * PAGE, 17 * PAGE, MREMAP_MAYMOVE);
  printf("grown: %s\n", wide == MAP_FAILED ? error_name(errno) : "mapped");
  LIBC(munmap(p, 8 * PAGE));
  more = mmap(NULL, 4 * PAGE, RW, ANON | MAP_LOCKED, -1, 0);
  CHECK(more != MAP_FAILED);
  more = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
  CHECK(more != MAP_FAILED);
  more = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
  printf("shared: %s\n", more == MAP_FAILED ? error_name(errno) : "mapped");
  RAW(raw(mlockall, MCL_CURRENT));
  RAW(raw(munlockall));
  RAW(raw(mlockall, MCL_FUTURE));
  p = mmap(NULL, 16 * PAGE, RW, ANON, -1, 0);
  CHECK(p != MAP_FAILED);
  more = mmap(NULL, PAGE, RW, ANON, -1, 0);
  printf("one more: %s\n", more == MAP_FAILED ? error_name(errno) : "mapped");
  LIBC(munmap(p, 16 * PAGE));
  unsigned char vec[4];
  p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
  LIBC(mincore(p, 4 * PAGE, vec));
  printf("%d %d %d %d\n", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1);
  RAW(raw(munlockall));
  limit.rlim_cur = 0;
  LIBC(setrlimit(RLIMIT_MEMLOCK, &limit));
  LIBC(mlock(p, PAGE));
  RAW(raw(mlockall, MCL_FUTURE));
  more = mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0);
  printf("no locks: %s\n", more == MAP_FAILED ? error_name(errno) : "mapped");
  LIBC(munlock(p, PAGE));
  RAW(raw(munlockall));
}

int main(void) {
  advice();
  syncing();
  residency();
  locks();
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    limited();
    fflush(stdout);
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  return 0;
}
