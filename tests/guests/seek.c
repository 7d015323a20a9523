// File positions: seek, positioned and vectored reads and writes, appending, truncation.
//
// cases:
//   all: { files: { digits: "0123456789" } }
#include <sys/uio.h>

#include "common.h"

static char buffer[64];

// What a read gave, as text.
static const char *text(ssize_t count) {
  if (count < 0) return error_name(errno);
  buffer[count] = 0;
  return buffer;
}

int main(void) {
  int fd = open("digits", O_RDWR);
  LIBC(lseek(fd, 0, SEEK_CUR));
  LIBC(lseek(fd, 3, SEEK_SET));
  printf("read 2 at 3: %s\n", text(read(fd, buffer, 2)));
  LIBC(lseek(fd, 0, SEEK_CUR));
  LIBC(lseek(fd, -2, SEEK_CUR));
  LIBC(lseek(fd, -4, SEEK_END));
  printf("read to the end: %s\n", text(read(fd, buffer, 50)));
  printf("read at the end: <%s>\n", text(read(fd, buffer, 50)));
  LIBC(lseek(fd, -1, SEEK_SET));
  LIBC(lseek(fd, -11, SEEK_END));
  LIBC(lseek(fd, 0, 99));
  LIBC(lseek(fd, 0x7fffffffffffffffLL, SEEK_CUR));
  LIBC(lseek(fd, 5LL << 32, SEEK_SET));
  LIBC(lseek(fd, 0, SEEK_CUR));
  LIBC(lseek(fd, 1, SEEK_SET));

  printf("pread: %s\n", text(pread(fd, buffer, 3, 6)));
  printf("pread past the end: <%s>\n", text(pread(fd, buffer, 3, 1000)));
  printf("pread before the start: %s\n", text(pread(fd, buffer, 3, -1)));
  printf("pread at 2^40: <%s>\n", text(pread(fd, buffer, 3, 1LL << 40)));
  LIBC(pwrite(fd, "AB", 2, 8));
  LIBC(pwrite(fd, "AB", 2, -8));
  LIBC(lseek(fd, 0, SEEK_CUR));

  char a[3], b[1], c[8];
  struct iovec parts[] = {{a, 3}, {b, 1}, {b, 0}, {c, 8}};
  LIBC(readv(fd, parts, 4));
  printf("%.3s|%.1s|%.5s\n", a, b, c);
  LIBC(preadv(fd, parts, 2, 6));
  printf("%.3s|%.1s\n", a, b);
  LIBC(preadv(fd, parts, 2, -1));
  LIBC(preadv(fd, parts, 2, 1LL << 33));
  LIBC(lseek(fd, 0, SEEK_CUR));
  struct iovec out[] = {{"vectored ", 9}, {"", 0}, {"write", 5}};
  LIBC(writev(fd, out, 3));
  LIBC(pwritev(fd, out, 3, 30));
  LIBC(pwritev(fd, out, 3, 5LL << 32) == 14 ? 0 : -1);
  LIBC(ftruncate(fd, 50));
  LIBC(writev(fd, out, 0));
  LIBC(writev(fd, out, -1));
  LIBC(writev(fd, out, 1025));
  struct iovec huge[] = {{a, 1}, {c, 0x7fffffff}, {c, (size_t)-1}};
  // More than the address space holds: an error in both worlds, though not the same one.
  CHECK(readv(fd, huge, 3) == -1);
  // A bad address behind good parts: the good ones count.
  struct iovec bad[] = {{"good", 4}, {BAD, 4}};
  LIBC(writev(fd, bad, 2));

  int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
  LIBC(write(log, "first.", 6));
  LIBC(lseek(log, 0, SEEK_SET));
  LIBC(write(log, "second.", 7));
  LIBC(lseek(log, 0, SEEK_CUR));
  // With O_APPEND even a positioned write goes to the end.
  LIBC(pwrite(log, "third.", 6, 0));
  LIBC(read(log, buffer, 1));
  LIBC(ftruncate(log, 10));
  LIBC(ftruncate(log, -1));
  LIBC(truncate("log", 12));
  LIBC(truncate("log", -1));
  LIBC(truncate("absent", 1));
  LIBC(fsync(log));
  LIBC(fdatasync(log));
  LIBC(write(log, BAD, 0));
  LIBC(close(log));
  LIBC(close(log));

  int ends[2];
  LIBC(pipe(ends));
  LIBC(lseek(ends[0], 0, SEEK_CUR));
  LIBC(pread(ends[0], buffer, 1, 0));
  LIBC(pwrite(ends[1], buffer, 1, 0));
  LIBC(fsync(ends[0]));
  LIBC(ftruncate(ends[1], 0));
  return 0;
}
