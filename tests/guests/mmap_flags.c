// The flags of mmap: placement, kinds, files of all kinds, protections, and what is wrong first.
//
// cases:
//   all: { files: { pages: { text: "abcdefghijklmnop", repeat: 1024 }, empty: "" } }
#include <sys/mman.h>
#include <sys/socket.h>

#include "common.h"

// x86-64's, which others do not look at.
#ifndef MAP_32BIT
#define MAP_32BIT 0x40
#endif

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 8
#endif
#ifndef PROT_SEM
#define PROT_SEM 8
#endif
#ifndef MAP_UNINITIALIZED
#define MAP_UNINITIALIZED 0x4000000
#endif

#define MAPS(call)                                                                                \
  do {                                                                                            \
    void *made = (call);                                                                          \
    printf("%s: %s\n", #call, made == MAP_FAILED ? error_name(errno) : "mapped");                 \
    if (made != MAP_FAILED) munmap(made, PAGE);                                                   \
  } while (0)

static int readable(const void *p) {
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  int ok = write(ends[1], p, 1) == 1;
  close(ends[0]), close(ends[1]);
  return ok;
}

static int writable(void *p) {
  int fd = open("/dev/zero", O_RDONLY);
  if (fd < 0) die("/dev/zero");
  int ok = read(fd, p, 1) == 1;
  close(fd);
  return ok;
}

static void kinds(void) {
  for (int kind = 0; kind < 16; kind++) {
    void *p = mmap(NULL, PAGE, RW, kind | MAP_ANONYMOUS, -1, 0);
    printf("anonymous, kind %d: %s\n", kind, p == MAP_FAILED ? error_name(errno) : "mapped");
    if (p == MAP_FAILED) continue;
    memset(p, 1, PAGE);
    LIBC(munmap(p, PAGE));
  }
  int fd = open("pages", O_RDWR);
  for (int kind = 0; kind < 16; kind++) {
    void *p = mmap(NULL, PAGE, RW, kind, fd, 0);
    printf("file, kind %d: %s\n", kind, p == MAP_FAILED ? error_name(errno) : "mapped");
  }
  MAPS(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x40000000, fd, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_SYNC, fd, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_PRIVATE | 0x40000000, fd, 0));
  MAPS(mmap(NULL, PAGE, RW, ANON | MAP_STACK | MAP_NORESERVE, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, ANON | MAP_LOCKED | MAP_POPULATE, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, ANON | MAP_POPULATE | MAP_NONBLOCK, -1, 0));
  MAPS(mmap(NULL, PAGE, PROT_NONE, ANON | MAP_POPULATE, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, ANON | MAP_DENYWRITE | MAP_EXECUTABLE, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, ANON | MAP_GROWSDOWN, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_GROWSDOWN, fd, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_DROPPABLE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
  MAPS(mmap(NULL, 0, RW, ANON | MAP_HUGETLB, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, ANON | MAP_UNINITIALIZED, -1, 0));
  MAPS(mmap(NULL, 2 << 20, RW, ANON | MAP_HUGETLB, -1, 0));
  MAPS(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_HUGETLB, fd, 0));
  // A descriptor, an offset: of no interest where there is no file.
  MAPS(mmap(NULL, PAGE, RW, ANON, 12345, 0));
  MAPS(mmap(NULL, PAGE, RW, ANON, -1, 5 * PAGE));
  MAPS(mmap(NULL, PAGE, RW, ANON, -1, 1));
  MAPS(mmap(NULL, PAGE, RW, ANON, -1, -PAGE));
  MAPS(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, -PAGE));
}

static void placement(void) {
  char *p = mmap(NULL, 16 * PAGE, RW, ANON, -1, 0);
  memset(p, 'p', 16 * PAGE);
  LIBC(munmap(p + 4 * PAGE, 4 * PAGE));
  // Hints that can be kept are kept, rounded down.
  CHECK(mmap(p + 4 * PAGE, PAGE, RW, ANON, -1, 0) == p + 4 * PAGE);
  CHECK(mmap(p + 5 * PAGE + 17, PAGE, RW, ANON, -1, 0) == p + 5 * PAGE);
  char *q = mmap(p + 6 * PAGE, 3 * PAGE, RW, ANON, -1, 0);
  CHECK(q != MAP_FAILED && q != p + 6 * PAGE && p[8 * PAGE] == 'p');
  LIBC(munmap(q, 3 * PAGE));
  // Fixed where there is something, in part.
  CHECK(mmap(p + 6 * PAGE, 3 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + 6 * PAGE);
  CHECK(p[8 * PAGE] == 0 && p[9 * PAGE] == 'p');
  LIBC(munmap(p + 2 * PAGE, PAGE));
  MAPS(mmap(p + 2 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
  CHECK(!readable(p + 2 * PAGE) && p[3 * PAGE] == 'p');
  CHECK(mmap(p + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + 2 * PAGE);
  MAPS(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
  MAPS(mmap(p, PAGE, RW, ANON | MAP_FIXED | MAP_FIXED_NOREPLACE, -1, 0));
  // What fails leaves what is there.
  int fd = open("pages", O_RDONLY), pipes[2], null = open("/dev/null", O_RDWR);
  if (pipe(pipes) != 0) die("pipe");
  p[0] = 'p';
  MAPS(mmap(p, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
  MAPS(mmap(p, PAGE, RW, MAP_SHARED | MAP_FIXED, pipes[0], 0));
  MAPS(mmap(p, PAGE, RW, MAP_SHARED | MAP_FIXED, null, 0));
  MAPS(mmap(p, PAGE, RW, 0 | MAP_FIXED, -1, 0));
  MAPS(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_FIXED, -1, 0));
  MAPS(mmap(p, 0, RW, ANON | MAP_FIXED, -1, 0));
  MAPS(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 5));
  CHECK(p[0] == 'p');
  // Shared over private, private over shared.
  CHECK(mmap(p, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p && p[0] == 0);
  p[0] = 's';
  CHECK(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, PAGE) == p && p[0] == 'a');
  CHECK(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p && p[0] == 0);
  LIBC(munmap(p, 16 * PAGE));
}

static void lengths(void) {
  MAPS(mmap(NULL, 1, RW, ANON, -1, 0));
  MAPS(mmap(NULL, PAGE + 1, RW, ANON, -1, 0));
  char *p = mmap(NULL, PAGE + 1, RW, ANON, -1, 0);
  CHECK(writable(p + PAGE) && writable(p + 2 * PAGE - 1));
  LIBC(munmap(p, PAGE + 1));
  CHECK(!readable(p + PAGE));
  MAPS(mmap(NULL, (size_t)-1, RW, ANON, -1, 0));
  MAPS(mmap(NULL, (size_t)-PAGE, RW, ANON, -1, 0));
  MAPS(mmap(NULL, 0, RW, ANON, 77, 0));
  MAPS(mmap(NULL, 0, RW, MAP_PRIVATE, 77, 0));
  MAPS(mmap(NULL, 0, RW, MAP_PRIVATE, 77, 1));
  LIBC(munmap(p, 0));
  LIBC(munmap(p, (size_t)-1));
  LIBC(munmap(p + 1, PAGE));
  LIBC(munmap((void *)-PAGE, PAGE));
  LIBC(munmap((void *)-PAGE, 2 * PAGE));
  LIBC(mprotect(p, (size_t)-1, RW));
  LIBC(mprotect((void *)-PAGE, 2 * PAGE, RW));
}

static void files(void) {
  static const char *const modes[] = {"reading", "writing", "both"};
  for (int mode = 0; mode < 3; mode++) {
    int fd = open("pages", mode == 0 ? O_RDONLY : mode == 1 ? O_WRONLY : O_RDWR);
    for (int prot = 0; prot < 8; prot++)
      for (int kind = 1; kind < 3; kind++) {
        char *p = mmap(NULL, PAGE, prot, kind, fd, 0);
        printf("%s, prot %d, kind %d: %s\n", modes[mode], prot, kind,
               p == MAP_FAILED ? error_name(errno) : "mapped");
        if (p == MAP_FAILED) continue;
        printf("  %d %d\n", readable(p), (prot & PROT_WRITE) && kind == MAP_PRIVATE && writable(p));
        for (int other = 0; other < 4; other++) LIBC(mprotect(p, PAGE, other));
        LIBC(munmap(p, PAGE));
      }
    close(fd);
  }
  int fd = open("pages", O_RDWR | O_APPEND);
  MAPS(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0));
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)0x7ffffffffffff000));
  MAPS(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, (off_t)0x7ffffffffffff000));
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, -PAGE));
  MAPS(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, -PAGE));
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 512));
  int path = open("pages", O_PATH);
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, path, 0));
  int folder = open(".", O_RDONLY);
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, folder, 0));
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) die("socketpair");
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, sockets[0], 0));
  int zero = open("/dev/zero", O_RDWR);
  char *p = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, zero, 0);
  CHECK(p != MAP_FAILED && p[0] == 0 && writable(p));
  memset(p, 1, 3 * PAGE);
  CHECK(mremap(p, 3 * PAGE, PAGE, 0) == p);
  p = mremap(p, PAGE, 8 * PAGE, MREMAP_MAYMOVE);
  CHECK(p != MAP_FAILED && p[0] == 1 && p[PAGE] == 0);
  LIBC(munmap(p, 8 * PAGE));
  p = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, zero, 0);
  CHECK(p != MAP_FAILED && p[0] == 0 && writable(p));
  LIBC(munmap(p, 3 * PAGE));
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/dev/null", O_RDWR), 0));
  MAPS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/proc/self/status", O_RDONLY), 0));
  int empty = open("empty", O_RDWR);
  p = mmap(NULL, PAGE, RW, MAP_SHARED, empty, 0);
  CHECK(p != MAP_FAILED && !readable(p));
  LIBC(ftruncate(empty, 10));
  CHECK(readable(p) && p[0] == 0);
  p[2] = 'x', p[20] = 'y';
  struct stat st;
  LIBC(fstat(empty, &st));
  CHECK(st.st_size == 10);
  char text[11] = {0};
  LIBC(pread(empty, text, 11, 0));
  CHECK(text[2] == 'x');
  LIBC(ftruncate(empty, 0));
  CHECK(!readable(p));
  LIBC(munmap(p, PAGE));
  // The file is mapped, its name and descriptor are gone.
  p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
  LIBC(unlink("pages"));
  close(fd);
  CHECK(p[1] == 'b');
  p[1] = 'B';
  LIBC(msync(p, PAGE, MS_SYNC));
  LIBC(munmap(p, PAGE));
}

static void protections(void) {
  for (int prot = 0; prot < 8; prot++) {
    char *p = mmap(NULL, PAGE, prot, ANON, -1, 0);
    printf("prot %d: %d %d\n", prot, readable(p), writable(p));
    for (int next = 0; next < 8; next++) {
      int result = mprotect(p, PAGE, next);
      printf("  then %d: %d %d %d\n", next, result, readable(p), writable(p));
    }
    LIBC(munmap(p, PAGE));
  }
  char *p = mmap(NULL, PAGE, RW | PROT_SEM, ANON, -1, 0);
  CHECK(p != MAP_FAILED && writable(p));
  LIBC(mprotect(p, PAGE, RW | PROT_SEM));
  LIBC(mprotect(p, PAGE, RW | PROT_GROWSDOWN));
  LIBC(mprotect(p, PAGE, RW | PROT_GROWSUP));
  LIBC(mprotect(p, PAGE, RW | PROT_GROWSDOWN | PROT_GROWSUP));
  LIBC(mprotect(p, PAGE, 0x800));
  LIBC(mprotect(p, 0, 0x800));
  LIBC(mprotect(p + 1, 0, RW));
  CHECK(mmap(NULL, PAGE, RW | 0x800, ANON, -1, 0) != MAP_FAILED);
  CHECK(writable(p));
  // Over several, until the first that is not there, or may not.
  p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
  LIBC(munmap(p + 3 * PAGE, PAGE));
  LIBC(mprotect(p + PAGE, 5 * PAGE, PROT_READ));
  for (int i = 0; i < 8; i++) printf("%d%d ", readable(p + i * PAGE), writable(p + i * PAGE));
  puts("");
  int fd = memfd_create("file", 0), copy;
  LIBC(ftruncate(fd, PAGE));
  char name[40];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  copy = open(name, O_RDONLY);
  CHECK(mmap(p + 3 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, copy, 0) == p + 3 * PAGE);
  LIBC(mprotect(p, 8 * PAGE, RW));
  for (int i = 0; i < 8; i++) printf("%d%d ", readable(p + i * PAGE), writable(p + i * PAGE));
  puts("");
  LIBC(mprotect(p, 8 * PAGE, PROT_NONE));
  for (int i = 0; i < 8; i++) printf("%d%d ", readable(p + i * PAGE), writable(p + i * PAGE));
  puts("");
}

int main(void) {
  kinds();
  placement();
  lengths();
  files();
  protections();
  return 0;
}
