// System calls with arguments of every kind, always the same in both worlds, so that their
// traces can be compared, too. What is between the two calls of chdir counts.
//
// cases:
//   all: { files: { file: "line one\nline two\ttab \"quoted\"\n" } }
#include "common.h"
#include <sys/uio.h>
#include <time.h>

int main(void) {
  static char buffer[64];
  static struct stat st;
  struct timespec nap = {0, 1000}, past[2] = {{1, 2}, {3, 4}};
  int ends[2];
  RAW(raw(chdir, "/no/such/folder/begin"));
  // Paths, flags, modes.
  RAW(raw(openat, AT_FDCWD, "file", O_RDONLY | O_CLOEXEC, 0));
  RAW(raw(openat, AT_FDCWD, "made", O_RDWR | O_CREAT | O_EXCL, 0640));
  RAW(raw(openat, AT_FDCWD, "absent", O_WRONLY | O_APPEND | O_NONBLOCK, 0));
  RAW(raw(openat, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0));
  RAW(raw(mkdirat, 5, "folder", 0750));
  RAW(raw(faccessat2, AT_FDCWD, "file", 4, AT_EACCESS));
  RAW(raw(unlinkat, AT_FDCWD, "folder", AT_REMOVEDIR));
  RAW(raw(fchmod, 4, 0600));
  RAW(raw(umask, 027));
  RAW(raw(umask, 022));
  RAW(raw(mknodat, AT_FDCWD, "fifo", S_IFIFO | 0600, 0));
  RAW(raw(renameat2, AT_FDCWD, "fifo", AT_FDCWD, "made", 1));
  RAW(raw(symlinkat, "target \"of\" a link", AT_FDCWD, "link"));
  RAW(raw(readlinkat, AT_FDCWD, "link", buffer, sizeof buffer));
  // Buffers.
  RAW(raw(read, 3, buffer, sizeof buffer));
  RAW(raw(read, 3, buffer, sizeof buffer));
  RAW(raw(read, 77, buffer, sizeof buffer));
  RAW(raw(pread64, 3, buffer, 10, 5));
  RAW(raw(write, 4, "\1\2345\0" "6\377\33[0m", 11));
  RAW(raw(write, 4, "this text is longer than the thirty-two bytes that are shown", 60));
  RAW(raw(write, 4, buffer, 0));
  // Vectors.
  struct iovec out[3] = {{"first", 5}, {"", 0}, {"third", 5}};
  struct iovec in[2] = {{buffer, 4}, {buffer + 8, 20}};
  RAW(raw(writev, 4, out, 3));
  RAW(raw(lseek, 4, -8L, SEEK_END));
  RAW(raw(readv, 4, in, 2));
  RAW(raw(lseek, 4, 0, 99));
  // Structures.
  RAW(raw(fstat, 3, &st));
  RAW(raw(newfstatat, AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW));
  RAW(raw(newfstatat, AT_FDCWD, "absent", &st, 0));
  RAW(raw(utimensat, AT_FDCWD, "made", past, 0));
  RAW(raw(nanosleep, &nap, NULL));
  RAW(raw(clock_gettime, 99, &nap));
  RAW(raw(pipe2, ends, O_CLOEXEC | O_NONBLOCK));
  RAW(raw(pipe2, ends, 0));
  RAW(raw(dup3, 3, 20, O_CLOEXEC));
  RAW(raw(kill, 0x7ffffff0, 15));
  RAW(raw(chdir, "/no/such/folder/end"));
  return 0;
}
