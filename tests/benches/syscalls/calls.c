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

#define PAGE 4096

static long long map_and_unmap(size_t pages, int touch) {
  char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return -1;
  if (touch)
    for (size_t i = 0; i < pages; i++) p[i * PAGE] = 1;
  return munmap(p, pages * PAGE);
}

static long long map_file(int fd) {
  char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
  return p == MAP_FAILED ? -1 : munmap(p, PAGE);
}

static long long protect(char *p) {
  return mprotect(p, PAGE, PROT_READ) + mprotect(p, PAGE, PROT_READ | PROT_WRITE);
}

// Grows and shrinks in place, and moves there and back.
static long long resize(char *p) {
  char *q = mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
  return q == MAP_FAILED || mremap(q, 2 * PAGE, PAGE, 0) != q ? -1 : q != p;
}

static long long move(char *p, char *to) {
  int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
  if (mremap(p, 16 * PAGE, 16 * PAGE, flags, to) != to) return -1;
  return mremap(to, 16 * PAGE, 16 * PAGE, flags, p) == p ? 0 : -1;
}

static long long fault(char *p) {
  int result = madvise(p, 16 * PAGE, MADV_DONTNEED);
  for (int i = 0; i < 16; i++) p[i * PAGE] = 1;
  return result;
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
  char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED || munmap(p + 17 * PAGE, 15 * PAGE) != 0) die("mmap");
  MEASURE("mmap+munmap", map_and_unmap(1, 0));
  MEASURE("mmap+touch-16+munmap", map_and_unmap(16, 1));
  MEASURE("mmap-file+munmap", map_file(zero));
  MEASURE("mprotect-twice", protect(p + 4 * PAGE));
  MEASURE("mremap-resize", resize(p + 16 * PAGE));
  MEASURE("mremap-move-16-twice", move(p, p + 40 * PAGE));
  MEASURE("madvise+faults-16", fault(p));
  // Beside many mappings that are not one.
  for (int i = 0; i < 4000; i++)
    if (mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0) == MAP_FAILED)
      die("mmap");
  MEASURE("mmap+munmap-of-4000", map_and_unmap(1, 0));
  return 0;
}
