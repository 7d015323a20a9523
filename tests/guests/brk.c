// The program break, as allocators use it: asked for, moved both ways, with a page fixed at it.
//
// cases:
//   all: {}
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common.h"

#define PAGE 4096u
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#ifdef __wasm__
static uintptr_t brk_at(uintptr_t at) { return (uintptr_t)raw(brk, at); }
#define ADDRESS(p) ((uintptr_t)(p))
#else
static uintptr_t brk_at(uintptr_t at) { return (uintptr_t)syscall(SYS_brk, at); }
#define ADDRESS(p) (p)
#endif

static int mapped(uintptr_t at) {
  unsigned char resident;
  return mincore((void *)(at & -(uintptr_t)PAGE), PAGE, &resident) == 0;
}

static int all(const char *p, size_t n, char byte) {
  while (n && *p == byte) p++, n--;
  return n == 0;
}

int main(void) {
  // The native libc has its buffers below it, once it has printed.
  printf("begin\n");
  fflush(stdout);
  uintptr_t start = brk_at(0);
  CHECK(start != 0);
  CHECK(brk_at(0) == start);
  // Below where it began, and where no memory is: it stays.
  CHECK(brk_at(1) == start);
  CHECK(brk_at((uintptr_t)0xfffff000) == start || sizeof start == 8);
  CHECK(brk_at((uintptr_t)-1) == start);

  uintptr_t at = (start + PAGE - 1) & -(uintptr_t)PAGE;
  CHECK(brk_at(at) == at);
  // By bytes and by pages.
  CHECK(brk_at(at + 1) == at + 1);
  CHECK(mapped(at) && !mapped(at + PAGE));
  *(char *)at = 'x';
  CHECK(brk_at(at + PAGE) == at + PAGE);
  CHECK(*(char *)at == 'x' && all((char *)at + 1, PAGE - 1, 0));
  CHECK(brk_at(at + 10 * PAGE + 5) == at + 10 * PAGE + 5);
  CHECK(all((char *)at + PAGE, 10 * PAGE, 0));
  memset((char *)at, 'y', 11 * PAGE);
  CHECK(mapped(at + 10 * PAGE) && !mapped(at + 11 * PAGE));
  // What is given back comes again as zeroes.
  CHECK(brk_at(at + 2 * PAGE) == at + 2 * PAGE);
  CHECK(!mapped(at + 2 * PAGE) && mapped(at + PAGE));
  CHECK(brk_at(at + 4 * PAGE) == at + 4 * PAGE);
  CHECK(all((char *)at, 2 * PAGE, 'y') && all((char *)at + 2 * PAGE, 2 * PAGE, 0));

  // A page that is fixed at it, as guards are: it cannot grow into that, nor come next to it.
  void *guard = mmap((void *)(at + 4 * PAGE), PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);
  CHECK(guard == (void *)(at + 4 * PAGE));
  CHECK(brk_at(at + 6 * PAGE) == at + 4 * PAGE);
  LIBC(munmap(guard, PAGE));
  CHECK(mmap((void *)(at + 6 * PAGE), PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0) ==
        (void *)(at + 6 * PAGE));
  CHECK(brk_at(at + 6 * PAGE) == at + 4 * PAGE);
  CHECK(brk_at(at + 5 * PAGE) == at + 5 * PAGE);
  LIBC(munmap((void *)(at + 6 * PAGE), PAGE));

  // Holes in it stay holes.
  LIBC(munmap((void *)(at + PAGE), PAGE));
  CHECK(!mapped(at + PAGE));
  CHECK(brk_at(at + 8 * PAGE) == at + 8 * PAGE);
  CHECK(!mapped(at + PAGE) && mapped(at + 7 * PAGE));

  // Mappings that the system places leave it room to grow.
  for (int i = 0; i < 20; i++)
    if (mmap(NULL, 1 << 20, PROT_READ, ANON, -1, 0) == MAP_FAILED) die("mmap");
  CHECK(brk_at(at + (4 << 20)) == at + (4 << 20));
  memset((char *)at + 8 * PAGE, 'z', (4 << 20) - 8 * PAGE);

  // A copy of the process has its own.
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    if (brk_at(0) != at + (4 << 20) || brk_at(at + PAGE) != at + PAGE) _exit(1);
    _exit(mapped(at + 8 * PAGE) ? 2 : 0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  CHECK(brk_at(0) == at + (4 << 20) && all((char *)at + 8 * PAGE, 100, 'z'));

  // The limit on data holds for it.
  struct rlimit limit;
  LIBC(getrlimit(RLIMIT_DATA, &limit));
  limit.rlim_cur = 4 << 20;
  LIBC(setrlimit(RLIMIT_DATA, &limit));
  CHECK(brk_at(at + (9 << 20)) == at + (4 << 20));
  CHECK(brk_at(at + PAGE) == at + PAGE);
  return 0;
}
