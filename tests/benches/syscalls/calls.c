// Calls in a loop: nanoseconds for each, in whichever world this runs.
#include <sys/uio.h>
#include <time.h>

#include "../../guests/common.h"

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long open_and_close(void) {
  int fd = (int)raw(openat, AT_FDCWD, "file", O_RDONLY, 0);
  return raw(close, fd);
}

// Through raw calls: the C library of one world must not do what the other's does not.
#define MEASURE(name, call)                                                                       \
  do {                                                                                            \
    long long start = now();                                                                      \
    for (int i = 0; i < rounds; i++)                                                              \
      if ((call) < 0) die(name);                                                                  \
    printf("%s %lld\n", name, (now() - start) * 100 / rounds);                                    \
  } while (0)

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 1000;
  int file = open("file", O_RDWR | O_CREAT, 0600), zero = open("/dev/zero", O_RDONLY);
  int null = open("/dev/null", O_WRONLY);
  if (file < 0 || zero < 0 || null < 0) die("open");
  char byte[64] = {0};
  struct iovec two[2] = {{byte, 32}, {byte + 32, 32}};
  struct stat st;
  struct timespec t;
  MEASURE("getppid", raw(getppid));
  MEASURE("lseek", raw(lseek, file, 0LL, SEEK_SET));
  MEASURE("read", raw(read, zero, byte, 1));
  MEASURE("write", raw(write, null, byte, 1));
  MEASURE("writev", raw(writev, null, two, 2));
  MEASURE("fstat", raw(fstat, file, &st));
  MEASURE("clock_gettime", raw(clock_gettime, CLOCK_MONOTONIC, &t));
  MEASURE("openat+close", open_and_close());
  return 0;
}
