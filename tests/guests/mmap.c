// Mappings: of files and anonymous, private and shared, moved, split, protected, removed.
//
// cases:
//   all: { files: { ten: "0123456789", pages: { text: "abcdefghijklmnop", repeat: 1024 } } }
#include <sys/mman.h>

#include "common.h"

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

// Prints whether a mapping was made; addresses differ between worlds.
#define MAPS(call)                                                                                \
  do {                                                                                            \
    void *made = (call);                                                                          \
    printf("%s: %s\n", #call, made == MAP_FAILED ? error_name(errno) : "mapped");                 \
  } while (0)

// Whether the kernel may read there.
static int readable(const void *p) {
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  int ok = write(ends[1], p, 1) == 1;
  close(ends[0]), close(ends[1]);
  return ok;
}

// Whether the kernel may write there; leaves a 0 if so.
static int writable(void *p) {
  int fd = open("/dev/zero", O_RDONLY);
  if (fd < 0) die("/dev/zero");
  int ok = read(fd, p, 1) == 1;
  close(fd);
  return ok;
}

static int zeroed(const char *p, size_t n) {
  while (n && *p == 0) p++, n--;
  return n == 0;
}

static void files(void) {
  int fd = open("ten", O_RDWR);
  char *p = mmap(NULL, 10, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED) die("mmap ten");
  printf("%.10s\n", p);
  CHECK(zeroed(p + 10, PAGE - 10));
  CHECK((uintptr_t)p % PAGE == 0);
  CHECK(!writable(p));
  LIBC(munmap(p, 10));
  CHECK(!readable(p));

  char *private = mmap(NULL, 10, RW, MAP_PRIVATE, fd, 0);
  private[0] = 'P';
  char *shared = mmap(NULL, 10, RW, MAP_SHARED, fd, 0);
  shared[1] = 'S';
  LIBC(msync(shared, 10, MS_SYNC));
  char back[11] = {0};
  LIBC(pread(fd, back, 10, 0));
  printf("%s %.10s %.10s\n", back, private, shared);
  LIBC(pwrite(fd, "W", 1, 5));
  printf("%.10s\n", shared);
  // The mapping outlives the descriptor.
  LIBC(close(fd));
  shared[9] = 'E';
  printf("%.10s\n", shared);
  LIBC(munmap(shared, 10));
  LIBC(munmap(private, 10));

  fd = open("pages", O_RDONLY);
  p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
  printf("%.4s %.4s\n", p + 2, p + PAGE + 5);
  LIBC(mprotect(p, PAGE, RW));
  MAPS(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100));
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1LL << 40));
  LIBC(munmap(p, 2 * PAGE));
  int write_only = open("pages", O_WRONLY);
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, write_only, 0));
}

static void anonymous(void) {
  char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
  CHECK(p != MAP_FAILED && zeroed(p, 8 * PAGE));
  memset(p, 'a', 8 * PAGE);
  // A hole in the middle, and a new mapping in it.
  LIBC(munmap(p + 2 * PAGE, PAGE));
  CHECK(readable(p + PAGE) && !readable(p + 2 * PAGE) && readable(p + 3 * PAGE));
  CHECK(mmap(p + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + 2 * PAGE);
  CHECK(zeroed(p + 2 * PAGE, PAGE) && p[2 * PAGE - 1] == 'a' && p[3 * PAGE] == 'a');
  // MAP_FIXED replaces what stands there.
  CHECK(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
  CHECK(p[0] == 0 && p[PAGE] == 'a');
  MAPS(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
  MAPS(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
  // A hint is only a hint.
  char *q = mmap(p, PAGE, RW, ANON, -1, 0);
  CHECK(q != MAP_FAILED && q != p && p[PAGE] == 'a');

  LIBC(mprotect(p, 2 * PAGE, PROT_READ));
  CHECK(readable(p) && !writable(p) && !writable(p + PAGE) && writable(p + 3 * PAGE));
  LIBC(mprotect(p, PAGE, PROT_NONE));
  CHECK(!readable(p));
  LIBC(mprotect(p, 2 * PAGE, RW));
  CHECK(writable(p) && p[PAGE + 1] == 'a');
  LIBC(mprotect(p + 1, PAGE, RW));
  LIBC(mprotect(p, 0, RW));
  LIBC(munmap(p + 5 * PAGE, PAGE));
  LIBC(mprotect(p + 4 * PAGE, 3 * PAGE, RW));
  LIBC(msync(p + 4 * PAGE, 3 * PAGE, MS_SYNC));
  LIBC(msync(p, PAGE, MS_SYNC | MS_ASYNC));
  LIBC(msync(p, PAGE, 1 << 20));
  LIBC(msync(p + 1, PAGE, MS_SYNC));

  memset(p, 'b', 2 * PAGE);
  LIBC(madvise(p, PAGE, MADV_DONTNEED));
  CHECK(zeroed(p, PAGE) && p[PAGE] == 'b');
  LIBC(madvise(p, PAGE, MADV_WILLNEED));
  LIBC(madvise(p + 1, PAGE, MADV_NORMAL));
  LIBC(madvise(p, PAGE, 12345));
  LIBC(madvise(p + 4 * PAGE, 3 * PAGE, MADV_NORMAL));

  // Removing twice is no error, nor is a range with holes.
  LIBC(munmap(p, 8 * PAGE));
  LIBC(munmap(p, 8 * PAGE));
  CHECK(!readable(p) && !readable(p + 7 * PAGE) && readable(q));
  LIBC(munmap(q, 0));
  LIBC(munmap(q + 1, PAGE));
  LIBC(munmap(q, 1));
  CHECK(!readable(q));

  MAPS(mmap(NULL, 0, RW, ANON, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, 0, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_PRIVATE, 0x7fff, 0));
  char *none = mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0);
  CHECK(none != MAP_FAILED && !readable(none));
  char *shared = mmap(NULL, 3 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED && zeroed(shared, 3 * PAGE) && writable(shared + 2 * PAGE));
}

static void moving(void) {
  char *p = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
  memset(p, 'm', 2 * PAGE);
  CHECK(mremap(p, 2 * PAGE, PAGE, 0) == p);
  CHECK(readable(p) && !readable(p + PAGE));
  char *wide = mremap(p, PAGE, 100 * PAGE, MREMAP_MAYMOVE);
  CHECK(wide != MAP_FAILED && wide[0] == 'm' && wide[PAGE - 1] == 'm');
  CHECK(zeroed(wide + PAGE, 99 * PAGE));
  CHECK(wide == p || !readable(p));
  char *target = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
  memset(target, 't', 4 * PAGE);
  CHECK(mremap(wide, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) ==
        target + PAGE);
  CHECK(target[0] == 't' && target[PAGE] == 'm' && target[2 * PAGE] == 0 && target[3 * PAGE] == 't');
  CHECK(!readable(wide) && readable(wide + 2 * PAGE));
  // Neighbours block growth in place.
  MAPS(mremap(target, PAGE, 2 * PAGE, 0));
  MAPS(mremap(target + 1, PAGE, PAGE, MREMAP_MAYMOVE));
  MAPS(mremap(target, PAGE, 0, MREMAP_MAYMOVE));
  MAPS(mremap(target, PAGE, PAGE, 64));
  MAPS(mremap(target, PAGE, PAGE, MREMAP_FIXED, target));
  MAPS(mremap(wide, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
  // The content of a shared file mapping moves with it.
  int fd = open("pages", O_RDWR);
  char *file = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
  file = mremap(file, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
  CHECK(file != MAP_FAILED);
  printf("%.4s\n", file + 2 * PAGE);
  file[2 * PAGE] = '!';
  char byte = 0;
  LIBC(pread(fd, &byte, 1, 2 * PAGE));
  CHECK(byte == '!');
}

// Freed space is used again: 64 times 512 MiB does not fit in 32 bits otherwise.
static void reuse(void) {
  int failed = 0;
  for (int i = 0; i < 64; i++) {
    char *p = mmap(NULL, 512 << 20, RW, ANON | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
      failed++;
      continue;
    }
    p[0] = p[(512 << 20) - 1] = 1;
    failed += munmap(p, 512 << 20) != 0;
  }
  CHECK(failed == 0);
}

static void memory_files(void) {
  int fd = memfd_create("shared", MFD_CLOEXEC);
  LIBC(ftruncate(fd, 2 * PAGE));
  char *a = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
  char *b = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE);
  strcpy(a + PAGE, "seen through both");
  printf("%s\n", b);
  b[0] = 'S';
  printf("%s\n", a + PAGE);
  unsigned char resident[2] = {0};
  LIBC(mincore(a, 2 * PAGE, resident));
  CHECK(resident[1] & 1);
  LIBC(mincore(a + 1, PAGE, resident));
  LIBC(mlock(a, PAGE));
  LIBC(munlock(a, PAGE));
}

// Neighbours that show different files, or parts of one that do not follow one another.
static void neighbours(void) {
  int one = memfd_create("one", 0), two = memfd_create("two", 0);
  LIBC(ftruncate(one, 4 * PAGE));
  LIBC(ftruncate(two, 4 * PAGE));
  char *p = mmap(NULL, 8 * PAGE, PROT_NONE, ANON, -1, 0);
  CHECK(mmap(p, PAGE, RW, MAP_SHARED | MAP_FIXED, one, 0) == p);
  CHECK(mmap(p + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, two, 0) == p + PAGE);
  CHECK(mmap(p + 2 * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, two, 0) == p + 2 * PAGE);
  strcpy(p, "one"), strcpy(p + PAGE, "two");
  LIBC(munmap(p + 3 * PAGE, 5 * PAGE));
  MAPS(mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE));
  MAPS(mremap(p + PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE));
  printf("%s %s %s\n", p, p + PAGE, p + 2 * PAGE);
  // The last one grows into what is free, and shows what follows in its file.
  LIBC(pwrite(two, "next", 5, PAGE));
  CHECK(mremap(p + 2 * PAGE, PAGE, 2 * PAGE, 0) == p + 2 * PAGE);
  printf("%s %s\n", p + 2 * PAGE, p + 3 * PAGE);
  LIBC(munmap(p, 8 * PAGE));
}

int main(void) {
  files();
  anonymous();
  moving();
  reuse();
  memory_files();
  neighbours();
  return 0;
}
