// Each call with mistakes that the manual documents. All take the raw result, past libc.
//
// cases:
//   all: { files: { file: "content", dir/inner: "x", loop: { link: loop } } }
#include <time.h>

#include "common.h"

#define NIL ((void *)0)
// The highest page: past the end of the guest's memory, the kernel's own natively.
#define HIGH ((void *)(uintptr_t)(sizeof(void *) == 4 ? 0xfffff000ULL : 0xfffffffffffff000ULL))

static void paths(const char *path) {
  struct stat st;
  char buffer[8];
  struct timespec times[2] = {{0}, {0}};
  printf("-- a path that is %s\n", !path ? "null" : *path == 0 ? "empty" : strlen(path) > 99 ? "long" : path);
  RAW(raw(openat, AT_FDCWD, path, O_RDONLY, 0));
  RAW(raw(openat, AT_FDCWD, path, O_WRONLY | O_DIRECTORY, 0));
  RAW(raw(newfstatat, AT_FDCWD, path, &st, 0));
  RAW(raw(mkdirat, AT_FDCWD, path, 0700));
  RAW(raw(unlinkat, AT_FDCWD, path, 0));
  RAW(raw(unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
  RAW(raw(linkat, AT_FDCWD, path, AT_FDCWD, "new", 0));
  RAW(raw(linkat, AT_FDCWD, "file", AT_FDCWD, path, 0));
  RAW(raw(symlinkat, "target", AT_FDCWD, path));
  RAW(raw(symlinkat, path, AT_FDCWD, "file"));
  RAW(raw(readlinkat, AT_FDCWD, path, buffer, sizeof buffer));
  RAW(raw(renameat2, AT_FDCWD, path, AT_FDCWD, "absent/new", 0));
  RAW(raw(renameat2, AT_FDCWD, "absent", AT_FDCWD, path, 0));
  RAW(raw(fchmodat, AT_FDCWD, path, 0600, 0));
  RAW(raw(fchownat, AT_FDCWD, path, -1, -1, 0));
  RAW(raw(faccessat, AT_FDCWD, path, F_OK, 0));
  RAW(raw(chdir, path));
  RAW(raw(truncate, path, 5));
  if (path) RAW(raw(utimensat, AT_FDCWD, path, times, 0));
  RAW(raw(getxattr, path, "user.x", buffer, sizeof buffer));
}

static void descriptors(int fd) {
  struct stat st;
  char buffer[8] = {0};
  long long offset = 0;
  printf("-- a descriptor that is %d\n", fd);
  RAW(raw(read, fd, buffer, 1));
  RAW(raw(write, fd, buffer, 1));
  RAW(raw(pread64, fd, buffer, 1, 0LL));
  RAW(raw(pwrite64, fd, buffer, 1, 0LL));
  RAW(raw(lseek, fd, 0LL, SEEK_CUR));
  RAW(raw(fstat, fd, &st));
  RAW(raw(ftruncate, fd, 0LL));
  RAW(raw(fsync, fd));
  RAW(raw(fchmod, fd, 0600));
  RAW(raw(fchown, fd, -1, -1));
  RAW(raw(fchdir, fd));
  RAW(raw(getdents64, fd, buffer, sizeof buffer));
  RAW(raw(dup, fd));
  RAW(raw(dup3, fd, 100, 0));
  RAW(raw(flock, fd, 1));
  RAW(raw(mkdirat, fd, "made", 0700));
  RAW(raw(openat, fd, "file", O_RDONLY, 0));
  RAW(raw(unlinkat, fd, "file", 0));
  RAW(raw(sendfile, fd, fd, &offset, 1));
  RAW(raw(fallocate, fd, 0, 0LL, 1LL));
  RAW(raw(close, fd));
}

static void addresses(void *at) {
  struct timespec wait = {0, 1};
  printf("-- an address that is %s\n", at == NIL ? "null" : at == BAD ? "inaccessible" : "high");
  int fd = open("file", O_RDWR), ends[2];
  if (fd < 0 || pipe(ends) != 0) die("file");
  RAW(raw(read, fd, at, 1));
  // Nothing is touched, so only what can never be an address is refused.
  if (at != HIGH) RAW(raw(read, fd, at, 0));
  RAW(raw(write, ends[1], at, 1));
  if (at != HIGH) RAW(raw(write, ends[1], at, 0));
  RAW(raw(pread64, fd, at, 1, 0LL));
  RAW(raw(pwrite64, fd, at, 1, 0LL));
  RAW(raw(readv, fd, at, 1));
  RAW(raw(readv, fd, at, 0));
  RAW(raw(writev, fd, at, 1));
  RAW(raw(fstat, fd, at));
  RAW(raw(newfstatat, AT_FDCWD, "file", at, 0));
  RAW(raw(statx, AT_FDCWD, "file", 0, 0x7ff, at));
  RAW(raw(statfs, "file", at));
  RAW(raw(readlinkat, AT_FDCWD, "loop", at, 4));
  RAW(raw(getcwd, at, 4096));
  RAW(raw(pipe2, at, 0));
  RAW(raw(clock_gettime, CLOCK_REALTIME, at));
  RAW(raw(clock_nanosleep, CLOCK_REALTIME, 0, at, NIL));
  RAW(raw(clock_nanosleep, CLOCK_REALTIME, 0, &wait, at));
  RAW(raw(getrandom, at, 1, 0));
  RAW(raw(uname, at));
  RAW(raw(sysinfo, at));
  RAW(raw(getrusage, 0, at));
  RAW(raw(getgroups, 1, at) > 0);
  RAW(raw(memfd_create, at, 0));
  RAW(raw(timerfd_settime, fd, 0, at, NIL));
  int dir = open("dir", O_RDONLY);
  RAW(raw(getdents64, dir, at, 4096));
  close(dir), close(fd), close(ends[0]), close(ends[1]);
}

int main(void) {
  static char name[300], whole[5000];
  memset(name, 'n', sizeof name - 1);
  memset(whole, 'a', sizeof whole - 1);
  for (size_t i = 1; i < sizeof whole - 1; i += 10) whole[i] = '/';
  paths(NULL);
  paths("");
  paths("absent/below");
  paths("file/below");
  paths("loop/below");
  paths(name);
  paths(whole);
  descriptors(-1);
  descriptors(200);
  int dir = open("dir", O_RDONLY | O_DIRECTORY);
  descriptors(dir);
  RAW(raw(chdir, ".."));
  int only_write = open("file", O_WRONLY);
  descriptors(only_write);
  addresses(NIL);
  addresses(BAD);
  addresses(HIGH);
  return 0;
}
