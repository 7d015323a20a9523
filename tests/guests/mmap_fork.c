// What becomes of mappings in copies of the process: shared, private, left out, wiped, locked,
// attached segments.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#ifndef __wasm__
#include <sys/ipc.h>
#include <sys/shm.h>
#endif

#include "common.h"

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#define MADV_KEEPONFORK 19
#endif

#ifdef __wasm__
#define ADDRESS(p) ((uintptr_t)(p))
#else
#define ADDRESS(p) (p)
#endif

static int mapped(const char *at) {
  unsigned char resident;
  return mincore((void *)(uintptr_t)at, PAGE, &resident) == 0;
}

static int in_copy(void (*f)(char *), char *p) {
  fflush(stdout);
  int pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    f(p);
    fflush(stdout);
    _exit(7);
  }
  int status;
  if (waitpid(pid, &status, 0) != pid) die("wait");
  return status;
}

static void left_out(char *p) {
  for (int i = 0; i < 6; i++) printf("%d", mapped(p + i * PAGE));
  puts("");
  CHECK(p[0] == 'a');
  // There is room where it would have been.
  CHECK(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + PAGE);
  CHECK(p[PAGE] == 0);
  p[PAGE] = 'c';
}

static void write_all(char *p) { memset(p, 'w', 6 * PAGE); }

static void show(char *p) {
  for (int i = 0; i < 6; i++) printf("%c", mapped(p + i * PAGE) ? p[i * PAGE] ? p[i * PAGE] : '0' : '-');
  puts("");
}

static void twice(char *p) {
  show(p);
  CHECK(in_copy(show, p) == 7 << 8);
}

static void attached(char *p) {
  printf("%c\n", p[0]);
  p[1] = 'C';
  RAW(raw(shmdt, ADDRESS(p)));
  CHECK(!mapped(p));
  RAW(raw(shmdt, ADDRESS(p)));
}

static void grows(char *p) {
  // What grew in a copy moves as one.
  char *wide = mremap(p, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
  CHECK(wide != MAP_FAILED && wide[0] == 'g');
  memset(wide, 'G', 3 * PAGE);
  char *far = mremap(wide, 3 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
  CHECK(far != MAP_FAILED && far[0] == 'G' && far[3 * PAGE - 1] == 'G' && far[3 * PAGE] == 0);
  memset(far, 'H', 40 * PAGE);
  char *on = mmap(NULL, 400 * PAGE, RW, ANON, -1, 0);
  CHECK(mremap(far, 40 * PAGE, 100 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, on) == on);
  CHECK(on[0] == 'H' && on[40 * PAGE - 1] == 'H' && on[40 * PAGE] == 0);
}

int main(void) {
  char *p = mmap(NULL, 6 * PAGE, RW, ANON, -1, 0);
  memset(p, 'a', 6 * PAGE);
  LIBC(madvise(p + PAGE, 2 * PAGE, MADV_DONTFORK));
  LIBC(madvise(p + 2 * PAGE, PAGE, MADV_DOFORK));
  LIBC(madvise(p + 4 * PAGE, PAGE, MADV_DONTFORK));
  CHECK(in_copy(left_out, p) == 7 << 8);
  CHECK(p[PAGE] == 'a' && p[4 * PAGE] == 'a');
  // It stays with the mapping where that goes, and goes with it.
  char *far = mremap(p + 4 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
  CHECK(far != MAP_FAILED);
  memset(far, 'f', 2 * PAGE);
  LIBC(munmap(p + PAGE, PAGE));
  CHECK(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + PAGE);
  CHECK(mmap(p + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + 4 * PAGE);
  CHECK(in_copy(show, p) == 7 << 8);
  fflush(stdout);
  int pid = fork();
  if (pid == 0) _exit(mapped(far) * 2 + mapped(far + PAGE));
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  // Once it is there again, it stays.
  LIBC(madvise(far, 2 * PAGE, MADV_DOFORK));
  pid = fork();
  if (pid == 0) _exit(mapped(far) * 2 + mapped(far + PAGE));
  CHECK(waitpid(pid, &status, 0) == pid && status == 3 << 8);
  char *shared = mmap(NULL, 6 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  LIBC(madvise(shared, PAGE, MADV_DONTFORK));
  CHECK(in_copy(show, shared) == 7 << 8);
  LIBC(madvise(shared, PAGE, MADV_DOFORK));
  CHECK(in_copy(write_all, shared) == 7 << 8);
  show(shared);
  CHECK(in_copy(write_all, p) == 7 << 8);
  show(p);

  memset(p, 'v', 6 * PAGE);
  LIBC(madvise(p + PAGE, 3 * PAGE, MADV_WIPEONFORK));
  LIBC(madvise(p + 2 * PAGE, PAGE, MADV_KEEPONFORK));
  LIBC(madvise(shared, PAGE, MADV_WIPEONFORK));
  CHECK(in_copy(twice, p) == 7 << 8);
  show(p);
  // A file's pages, private: the copy's changes are its own, and the other way round.
  int fd = memfd_create("file", 0);
  if (ftruncate(fd, 6 * PAGE) != 0 || pwrite(fd, "f", 1, 0) != 1) die("file");
  char *file = mmap(NULL, 6 * PAGE, RW, MAP_PRIVATE, fd, 0);
  file[PAGE] = 'm';
  CHECK(in_copy(write_all, file) == 7 << 8);
  show(file);
  CHECK(in_copy(show, file) == 7 << 8);

  char *locked = mmap(NULL, PAGE, RW, ANON, -1, 0);
  memset(locked, 'g', PAGE);
  LIBC(mlock(locked, PAGE));
  CHECK(in_copy(grows, locked) == 7 << 8);
  grows(locked);

  int id = (int)raw(shmget, 0, 2 * PAGE, 01600);
  CHECK(id >= 0);
#ifdef __wasm__
  char *segment = (char *)(uintptr_t)raw(shmat, id, 0, 0);
#else
  char *segment = shmat(id, NULL, 0);
#endif
  segment[0] = 's';
  RAW(raw(shmctl, id, 0, ADDRESS(NULL)));
  CHECK(in_copy(attached, segment) == 7 << 8);
  CHECK(segment[1] == 'C');
  RAW(raw(shmdt, ADDRESS(segment)));
  CHECK(!mapped(segment));
  return 0;
}
