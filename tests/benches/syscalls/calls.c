// Calls in a loop: nanoseconds for each, in whichever world this runs.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "../../guests/common.h"

#ifndef __wasm__
#include <asm/ioctls.h>
#endif

#define P(pointer) ((uintptr_t)(pointer))

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long open_and_close(void) {
  int fd = (int)raw(openat, AT_FDCWD, "file", O_RDONLY, 0);
  return raw(close, fd);
}

// An epoll descriptor with that many descriptors that are ready.
static int ready(int count) {
  int all = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(all, EPOLL_CTL_ADD, eventfd(1, 0), &event) != 0) die("epoll_ctl");
  }
  return all;
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
  int one = ready(1), many = ready(64), pair[2];
  static struct epoll_event events[64];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) die("socketpair");
  struct msghdr message = {.msg_iov = two, .msg_iovlen = 2};
  int left;
  MEASURE("getppid", raw(getppid));
  MEASURE("lseek", raw(lseek, file, 0LL, SEEK_SET));
  MEASURE("read", raw(read, zero, byte, 1));
  MEASURE("write", raw(write, null, byte, 1));
  MEASURE("writev", raw(writev, null, two, 2));
  MEASURE("fstat", raw(fstat, file, &st));
  MEASURE("clock_gettime", raw(clock_gettime, CLOCK_MONOTONIC, &t));
  MEASURE("epoll_pwait-1", raw(epoll_pwait, one, events, 64, -1, NULL, 8));
  MEASURE("epoll_pwait-64", raw(epoll_pwait, many, events, 64, -1, NULL, 8));
  MEASURE("sendmsg+recvmsg", raw(sendmsg, pair[0], P(&message), 0) + raw(recvmsg, pair[1], P(&message), 0));
  MEASURE("fcntl-getfl", raw(fcntl, file, F_GETFL, 0LL));
  MEASURE("ioctl-fionread", raw(ioctl, file, FIONREAD, P(&left)));
  MEASURE("openat+close", open_and_close());
  return 0;
}
