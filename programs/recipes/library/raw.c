// System calls by syscall(), with arguments of all widths.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
  int pipe_of[2];
  char text[6] = "";
  printf("%ld\n", syscall(SYS_pipe2, pipe_of, O_CLOEXEC));
  printf("%ld\n", syscall(SYS_write, pipe_of[1], "hello", sizeof "hello"));
  printf("%ld", syscall(SYS_read, pipe_of[0], text, sizeof text));
  printf(" %s\n", text);
  printf("%ld", syscall(SYS_renameat2, AT_FDCWD, "nosuch", AT_FDCWD, "other", 1));
  printf(" %s\n", strerror(errno));
  int file = syscall(SYS_openat, AT_FDCWD, "raw.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  printf("%d %ld", file >= 0, syscall(SYS_pwrite64, file, "x", 1UL, 1L << 33));
  printf(" %ld\n", syscall(SYS_lseek, file, 0, SEEK_END));
  printf("%d\n", syscall(SYS_gettid) == getpid());
  printf("%ld", (syscall)((long)SYS_write, -1, NULL, (size_t)0));
  printf(" %s\n", strerror(errno));
  return unlink("raw.file");
}
