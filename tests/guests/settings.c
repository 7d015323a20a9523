// Calls that set something of the machine's or a file's: what is wrong with them, and where it
// does no harm, that they work.
//
// cases:
//   all: { files: { file: "twelve bytes", link: { link: file } } }
#include <sys/uio.h>
#include <time.h>

#include "common.h"

#define P(pointer) ((void *)(pointer))

static void times_of(const char *path) {
  struct stat st;
  if (raw(newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) != 0) die(path);
  printf("%s: %lld.%09lld %lld.%09lld\n", path, (long long)st.st_atime, (long long)st.st_atime_nsec,
         (long long)st.st_mtime, (long long)st.st_mtime_nsec);
}

static void file_times(void) {
  struct {
    long long seconds, rest;
  } two[2] = {{1, 250000}, {2, 999999}};
  struct {
    long long access, change;
  } old = {3, 4};
  RAW(raw(utimes, "file", P(two)));
  times_of("file");
  RAW(raw(utime, "file", P(&old)));
  times_of("file");
  RAW(raw(futimesat, AT_FDCWD, "link", P(two)));
  times_of("file");
  two[1].rest = 1000000;
  RAW(raw(utimes, "file", P(two)));
  RAW(raw(futimesat, AT_FDCWD, "file", P(two)));
  RAW(raw(utimes, "file", P(BAD)));
  RAW(raw(utime, "file", P(BAD)));
  RAW(raw(utimes, NULL, P(NULL)));
  RAW(raw(utime, "absent", P(NULL)));
  RAW(raw(futimesat, 0x7fff, "file", P(NULL)));
  RAW(raw(utime, "file", P(NULL)));
}

static void clocks(void) {
  struct timespec wrong = {0, -1};
  struct {
    long long seconds, microseconds;
  } time = {0, 2000000};
  int zone[2] = {100000, 0};
  RAW(raw(clock_settime, CLOCK_REALTIME, &wrong));
  RAW(raw(clock_settime, CLOCK_MONOTONIC, &wrong));
  RAW(raw(clock_settime, 77, &wrong));
  RAW(raw(clock_settime, CLOCK_REALTIME, NULL));
  RAW(raw(clock_settime, CLOCK_REALTIME, BAD));
  RAW(raw(settimeofday, P(&time), P(NULL)));
  RAW(raw(settimeofday, P(BAD), P(NULL)));
  RAW(raw(settimeofday, P(NULL), P(BAD)));
  RAW(raw(settimeofday, P(NULL), P(zone)));
}

static void names(void) {
  RAW(raw(sethostname, "x", -1));
  RAW(raw(sethostname, "x", 65));
  RAW(raw(sethostname, BAD, 3));
  RAW(raw(setdomainname, "x", -1));
  RAW(raw(setdomainname, BAD, 3));
  char none[4] = {0};
  RAW(raw(ustat, 0xfffffu, (uintptr_t)none));
}

static void attributes(void) {
  char value[16];
  RAW(raw(lsetxattr, "link", "user.x", "v", 1, 0));
  RAW(raw(lsetxattr, "file", "user.x", "v", 1, 0));
  RAW(raw(lsetxattr, "file", "user.y", BAD, 1, 0));
  RAW(raw(lgetxattr, "file", "user.x", value, sizeof value));
  RAW(raw(llistxattr, "file", NULL, 0));
  RAW(raw(llistxattr, "file", BAD, 64));
  RAW(raw(llistxattr, "absent", value, sizeof value));
  RAW(raw(lremovexattr, "file", "user.x"));
  RAW(raw(lremovexattr, "file", "user.x"));
  RAW(raw(lremovexattr, NULL, "user.x"));
  int fd = open("file", O_RDWR);
  RAW(raw(fremovexattr, fd, "user.x"));
  RAW(raw(fremovexattr, fd, BAD));
  RAW(raw(fremovexattr, 0x7fff, "user.x"));
  close(fd);
}

static void contents(void) {
  int fd = open("file", O_RDWR);
  char text[6] = {0}, more[8] = {0};
  struct iovec two[2] = {{text, 5}, {more, 7}};
  RAW(raw(preadv2, fd, two, 2, 2LL, 0LL, 0));
  printf("%s|%s\n", text, more);
  RAW(raw(preadv2, fd, two, 2, -1LL, -1LL, 0));
  RAW(raw(preadv2, fd, two, 2, 0LL, 0LL, -1));
  RAW(raw(preadv2, fd, two, -1, 0LL, 0LL, 0));
  RAW(raw(preadv2, fd, BAD, 1, 0LL, 0LL, 0));
  RAW(raw(pwritev2, fd, two, 1, 20LL, 0LL, 0));
  RAW(raw(lseek, fd, 0LL, SEEK_CUR));
  RAW(raw(lseek, fd, 0LL, SEEK_END));
  RAW(raw(sync_file_range, fd, 0LL, 10LL, 7));
  RAW(raw(sync_file_range, fd, 0LL, -1LL, 7));
  RAW(raw(sync_file_range, fd, 0LL, 10LL, 99));
  RAW(raw(syncfs, fd));
  RAW(raw(syncfs, -1));
  RAW(raw(readahead, fd, 0LL, 100));
  RAW(raw(readahead, -1, 0LL, 100));
  close(fd);
}

int main(void) {
  file_times();
  clocks();
  names();
  attributes();
  contents();
  return 0;
}
