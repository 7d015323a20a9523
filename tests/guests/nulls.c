// The null pointer with lengths below and beyond a page, where the kernel looks at it and where
// it does not.
#include <sys/uio.h>

#include "common.h"

int main(void) {
  static const unsigned lengths[] = {0, 1, 4096, 4097, 65536, 1u << 30};
  int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY), pipes[2];
  if (null < 0 || zero < 0 || pipe(pipes)) return 1;
  // Not blocked, whatever is there.
  raw(fcntl, pipes[0], F_SETFL, O_NONBLOCK);
  for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    unsigned length = lengths[i];
    struct iovec piece = {0, length}, pieces[2] = {{0, length}, {"x", 1}};
    char *volatile nothing = 0;
    printf("-- %u\n", length);
    RAW(raw(write, null, nothing, length));
    RAW(raw(writev, null, &piece, 1));
    RAW(raw(writev, null, pieces, 2));
    RAW(raw(read, null, nothing, length));
    RAW(raw(read, zero, nothing, length));
    RAW(raw(write, pipes[1], nothing, length));
    RAW(raw(read, pipes[0], nothing, length));
    RAW(raw(getrandom, nothing, length, 0));
    RAW(raw(getcwd, nothing, length));
    RAW(raw(getxattr, "/", "user.absent", nothing, length));
    RAW(raw(sendto, null, nothing, length, 0, 0, 0));
  }
  return 0;
}
