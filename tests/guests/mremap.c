// mremap: in place, away, onto others, of every kind of mapping, and all that it refuses.
// An argument is the number of a kind to leave out.
//
// cases:
//   default: {}
//   without_private_files: { args: ["3"] }
#include <sys/mman.h>

#include "common.h"

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define MOVE MREMAP_MAYMOVE
#define FIX (MREMAP_MAYMOVE | MREMAP_FIXED)
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define KEEP (MREMAP_MAYMOVE | MREMAP_DONTUNMAP)

#ifdef __wasm__
#define ADDRESS(p) ((uintptr_t)(p))
#else
#define ADDRESS(p) (p)
#endif

#define MAPS(call)                                                                                \
  printf("%s: %s\n", #call, (call) == MAP_FAILED ? error_name(errno) : "mapped")

static char *fresh(size_t pages, int flags, int prot) {
  char *p = mmap(NULL, pages * PAGE, RW, flags, -1, 0);
  if (p == MAP_FAILED) die("mmap");
  for (size_t i = 0; i < pages; i++) memset(p + i * PAGE, (int)('a' + i), PAGE);
  if (prot != RW && mprotect(p, pages * PAGE, prot) != 0) die("mprotect");
  return p;
}

static int mapped(const char *at) {
  unsigned char resident;
  return mincore((void *)(uintptr_t)at, PAGE, &resident) == 0;
}

static void show(const char *what, char *p, int pages) {
  printf("%s: ", what);
  for (int i = 0; i < pages; i++) {
    char letter = '-';
    if (mapped(p + i * PAGE)) {
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

// Each kind: private, shared, of a file, private of a file, of a file through /dev/zero.
static void each_kind(int kind) {
  static const char *const names[] = {"private", "shared", "file", "private file", "no access"};
  printf("%s\n", names[kind]);
  char *p;
  if (kind == 2 || kind == 3) {
    int fd = memfd_create("file", 0);
    if (fd < 0 || ftruncate(fd, 12 * PAGE) != 0) die("file");
    for (int i = 0; i < 12; i++) {
      char byte = (char)('A' + i);
      if (pwrite(fd, &byte, 1, i * PAGE) != 1) die("pwrite");
    }
    p = mmap(NULL, 4 * PAGE, RW, kind == 2 ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    p[PAGE] = 'x';
    close(fd);
  } else {
    p = fresh(4, kind == 1 ? MAP_SHARED | MAP_ANONYMOUS : ANON, kind == 4 ? PROT_NONE : RW);
  }
  CHECK(mremap(p, 4 * PAGE, 4 * PAGE, 0) == p);
  CHECK(mremap(p, 4 * PAGE, 3 * PAGE + 1, 0) == p);
  CHECK(mremap(p, 4 * PAGE, 3 * PAGE, 0) == p);
  show("shrunk", p, 4);
  char *far = mmap(NULL, 20 * PAGE, RW, ANON, -1, 0);
  memset(far, 'z', 20 * PAGE);
  // Where the system itself would place them differs.
  char *third = mmap(NULL, 16 * PAGE, RW, ANON, -1, 0);
  CHECK(mremap(p, 3 * PAGE, 3 * PAGE, FIX, far + 2 * PAGE) == far + 2 * PAGE);
  show("moved", far, 8);
  show("left", p, 3);
  MAPS(mremap(far + 2 * PAGE, 3 * PAGE, 4 * PAGE, 0));
  CHECK(mremap(far + 2 * PAGE, 3 * PAGE, 6 * PAGE, FIX, far + 10 * PAGE) == far + 10 * PAGE);
  show("moved and grown", far, 20);
  CHECK(mremap(far + 10 * PAGE, 6 * PAGE, 2 * PAGE, FIX, far) == far);
  show("moved and shrunk", far, 20);
  char *more = mremap(far, 2 * PAGE, 5 * PAGE, FIX, third);
  CHECK(more == third && !mapped(far));
  show("moved away", more, 5);
  CHECK(mremap(more + PAGE, 2 * PAGE, 2 * PAGE, FIX, far + 6 * PAGE) == far + 6 * PAGE);
  show("out of the middle", more, 5);
  show("to", far, 20);
  LIBC(munmap(third + 6 * PAGE, 4 * PAGE));
  // Past libc, which may leave the hint out.
  long long placed = raw(mremap, ADDRESS(far + 6 * PAGE), 2 * PAGE, 2 * PAGE, KEEP,
                         ADDRESS(third + 7 * PAGE));
  char *kept = placed < 0 && placed > -4096 ? MAP_FAILED : (char *)(uintptr_t)placed;
  if (kept == MAP_FAILED) errno = (int)-placed;
  CHECK(kept == third + 7 * PAGE);
  MAPS(kept);
  if (kept != MAP_FAILED) show("kept", kept, 2);
  show("and left", far, 20);
  CHECK(mremap(far + 6 * PAGE, 2 * PAGE, 2 * PAGE, KEEP | MREMAP_FIXED, far + 12 * PAGE) ==
        far + 12 * PAGE);
  show("kept, fixed", far, 20);
  char *second = mremap(far + 12 * PAGE, 0, 2 * PAGE, FIX, third + 12 * PAGE);
  MAPS(second);
  if (second != MAP_FAILED) {
    second[0] = '2';
    show("the same twice", far, 20);
  }
  MAPS(mremap(far + 12 * PAGE, 0, 2 * PAGE, 0));
  MAPS(mremap(far + 12 * PAGE, 0, 2 * PAGE, FIX, far + 15 * PAGE));
  show("at the end", far, 20);
}

static void refused(void) {
  char *p = fresh(8, ANON, RW), *q = fresh(8, ANON, RW);
  for (int flags = 0; flags < 16; flags++) {
    MAPS(mremap(p, PAGE, 2 * PAGE, flags & ~MREMAP_MAYMOVE, q));
    printf("flags %d: ", flags);
    char *r = mremap(p + PAGE, PAGE, PAGE, flags, q);
    printf("%s\n", r == MAP_FAILED ? error_name(errno) : r == q ? "there" : r == p + PAGE ? "here" : "away");
    if (r != MAP_FAILED && r != p + PAGE) mremap(r, PAGE, PAGE, FIX, p + PAGE);
    if (!mapped(q)) mmap(q, PAGE, RW, ANON | MAP_FIXED, -1, 0);
  }
  MAPS(mremap(p + 1, PAGE, PAGE, MOVE));
  MAPS(mremap(p, PAGE, 0, MOVE));
  MAPS(mremap(p, PAGE, (size_t)-1, MOVE));
  MAPS(mremap(p, PAGE, PAGE, FIX, q + 1));
  MAPS(mremap(p, PAGE, PAGE, FIX, p));
  MAPS(mremap(p, 4 * PAGE, 4 * PAGE, FIX, p + 3 * PAGE));
  MAPS(mremap(p + 3 * PAGE, 4 * PAGE, 4 * PAGE, FIX, p));
  MAPS(mremap(p + 3 * PAGE, PAGE, 4 * PAGE, FIX, p));
  MAPS(mremap(p, 4 * PAGE, PAGE, FIX, p + 2 * PAGE));
  MAPS(mremap(p, PAGE, PAGE, FIX, (void *)-PAGE));
  MAPS(mremap((void *)-PAGE, PAGE, PAGE, MOVE));
  MAPS(mremap((void *)-PAGE, PAGE, 2 * PAGE, MOVE));
  MAPS(mremap(p, (size_t)-PAGE, PAGE, 0));
  show("still", p, 8);
  show("there", q, 8);
  // Holes, and several mappings.
  LIBC(munmap(p + 2 * PAGE, PAGE));
  MAPS(mremap(p + 2 * PAGE, PAGE, PAGE, 0));
  MAPS(mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MOVE));
  MAPS(mremap(p + PAGE, 3 * PAGE, 5 * PAGE, MOVE));
  MAPS(mremap(p + PAGE, 2 * PAGE, PAGE, 0));
  LIBC(mprotect(p + 5 * PAGE, PAGE, PROT_READ));
  MAPS(mremap(p + 4 * PAGE, 3 * PAGE, 5 * PAGE, MOVE));
  show("after", p, 8);
}

static void keeps_protection(void) {
  char *p = fresh(2, ANON, PROT_READ), *q = fresh(6, ANON, RW);
  CHECK(mremap(p, 2 * PAGE, 5 * PAGE, FIX, q) == q);
  for (int i = 0; i < 6; i++) {
    int zero = open("/dev/zero", O_RDONLY);
    printf("%s ", outcome(read(zero, q + i * PAGE, 1) == 1 ? 1 : -errno));
    close(zero);
  }
  puts("");
  LIBC(mprotect(q, 5 * PAGE, RW));
  show("all", q, 6);
}

// Much, in small steps, as reallocating buffers do.
static void grows_for_long(void) {
  size_t size = PAGE;
  char *p = fresh(1, ANON, RW);
  for (int i = 0; i < 200; i++) {
    size_t wider = size + (size_t)(i % 7 + 1) * PAGE;
    p = mremap(p, size, wider, MOVE);
    if (p == MAP_FAILED) die("mremap");
    for (size_t at = size; at < wider; at += PAGE) p[at] = (char)(at / PAGE);
    if (i % 3 == 0) mmap(NULL, PAGE, RW, ANON, -1, 0);
    size = wider;
  }
  size_t wrong = 0;
  for (size_t at = PAGE; at < size; at += PAGE) wrong += p[at] != (char)(at / PAGE);
  printf("%zu bytes, %zu wrong\n", size, wrong);
}

int main(int argc, char **argv) {
  int leave_out = argc > 1 ? atoi(argv[1]) : -1;
  for (int kind = 0; kind < 5; kind++)
    if (kind != leave_out) each_kind(kind);
  refused();
  keeps_protection();
  grows_for_long();
  return 0;
}
