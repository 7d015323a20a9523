// Descriptors: numbers are the lowest free, duplicates share a position, pipes carry bytes.
//
// cases:
//   all: { files: { text: "abcdefghij" }, stdin: "not read" }
#include "common.h"

int main(void) {
  char buffer[16] = {0};
  // Nothing but the standard three is open at the start, so numbers follow from there.
  int fd = open("text", O_RDONLY);
  printf("first is %d\n", fd);
  LIBC(dup(fd));
  LIBC(dup2(fd, 20));
  LIBC(dup2(fd, fd));
  LIBC(dup2(0x7fff, 0x7fff));
  LIBC(dup2(0x7fff, 5));
  LIBC(dup2(fd, -1));
  LIBC(dup3(fd, 21, O_CLOEXEC));
  LIBC(dup3(fd, fd, 0));
  LIBC(dup3(fd, 22, 1));
  LIBC(dup(-1));
  LIBC(read(4, buffer, 3));
  LIBC(read(20, buffer, 3));
  printf("%.3s\n", buffer);
  LIBC(lseek(21, 0, SEEK_CUR));
  LIBC(close(fd));
  LIBC(close(fd));
  LIBC(open("text", O_RDONLY));
  LIBC(read(fd, buffer, 3));
  printf("%.3s\n", buffer);
  // Replacing an open descriptor closes what it was.
  LIBC(dup2(20, 4));
  LIBC(close(20));
  LIBC(close(21));
  LIBC(write(4, "x", 1));
  LIBC(close(4));
  LIBC(close(-1));
  LIBC(close(0x7fffffff));

  int ends[2] = {-1, -1};
  LIBC(pipe(ends));
  printf("%d %d\n", ends[0], ends[1]);
  LIBC(write(ends[1], "through", 7));
  LIBC(write(ends[0], "x", 1));
  LIBC(read(ends[1], buffer, 1));
  LIBC(read(ends[0], buffer, 4));
  LIBC(read(ends[0], buffer + 4, 12));
  printf("%.7s\n", buffer);
  LIBC(close(ends[1]));
  LIBC(read(ends[0], buffer, 1));
  LIBC(close(ends[0]));
  LIBC(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
  LIBC(read(ends[0], buffer, 1));
  long long filled = 0;
  static char block[4096];
  for (ssize_t wrote; (wrote = write(ends[1], block, sizeof block)) > 0;) filled += wrote;
  printf("a pipe holds %lld: %s\n", filled, error_name(errno));
  RAW(raw(pipe2, ends, 1));
  RAW(raw(pipe2, BAD, 0));

  struct stat st;
  LIBC(fstat(ends[0], &st));
  CHECK(S_ISFIFO(st.st_mode));
  LIBC(fstat(fd, &st));
  CHECK(S_ISREG(st.st_mode) && st.st_size == 10);
  LIBC(fstat(55, &st));

  LIBC(open("made", O_WRONLY | O_CREAT | O_EXCL, 0604));
  LIBC(open("made", O_WRONLY | O_CREAT | O_EXCL, 0604));
  LIBC(openat(AT_FDCWD, "made", O_RDONLY | O_DIRECTORY));
  LIBC(openat(0x7fff, "made", O_RDONLY));
  LIBC(openat(fd, "made", O_RDONLY));
  LIBC(open(".", O_WRONLY));
  LIBC(open(".", O_RDONLY | O_TMPFILE));
  int hidden = open(".", O_RDWR | O_TMPFILE, 0600);
  LIBC(write(hidden, "never seen", 10));
  int by_path = open("made", O_PATH);
  LIBC(read(by_path, buffer, 1));
  LIBC(fstat(by_path, &st));
  LIBC(creat("created", 0640));
  int synced = open("created", O_WRONLY | O_SYNC | O_NOATIME | O_NOCTTY);
  LIBC(write(synced, "synced", 6));
  LIBC(open("created", O_WRONLY | O_TRUNC | O_LARGEFILE) >= 0 ? 0 : -1);
  LIBC(fstat(synced, &st));
  printf("%lld\n", (long long)st.st_size);
  return 0;
}
