// Waiting for descriptors with poll and select and their kin.
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "common.h"

#define P(pointer) ((uintptr_t)(pointer))

static int ends[2], full[2];

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void polls(void) {
  puts("-- poll");
  struct pollfd fds[4] = {
      {ends[0], POLLIN, -1}, {ends[1], POLLOUT | POLLIN, -1}, {0x7fff, POLLIN, -1}, {-5, 7, -1}};
  LIBC(poll(fds, 4, 0));
  for (int i = 0; i < 4; i++) printf("%#x ", (unsigned short)fds[i].revents);
  puts("");
  LIBC(poll(fds, 1, 0));
  LIBC(poll(fds, 0, 0));
  LIBC(poll(NULL, 0, 1));
  long long start = now();
  LIBC(poll(fds, 1, 30));
  CHECK(now() - start >= 30);
  write(ends[1], "x", 1);
  LIBC(poll(fds, 1, -1));
  LIBC(poll(fds, 1, -1000));
  LIBC(poll(fds, 2, 10000));
  printf("%#x %#x\n", (unsigned short)fds[0].revents, (unsigned short)fds[1].revents);
  RAW(raw(poll, BAD, 1LL, 0));
  RAW(raw(poll, NULL, 1LL, 0));
  RAW(raw(poll, BAD, 0LL, 0));
  RAW(raw(poll, fds, -1LL, 0));
  RAW(raw(poll, fds, 0x7fffffffLL, 0));
  RAW(raw(poll, fds, 0x80000000LL, 0));
  // The count is 32 bits wide.
  RAW(raw(poll, fds, 0x100000001LL, 0));
  RAW(raw(poll, fds, 0x100000000LL, 0));
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  struct pollfd one = {pair[0], POLLIN | POLLOUT | POLLRDHUP, 0};
  LIBC(poll(&one, 1, 0));
  printf("%#x\n", (unsigned)one.revents);
  shutdown(pair[1], SHUT_WR);
  LIBC(poll(&one, 1, 0));
  printf("%#x\n", (unsigned)one.revents);
  close(pair[1]);
  LIBC(poll(&one, 1, 0));
  printf("%#x\n", (unsigned)one.revents);
  static struct pollfd many[100];
  for (int i = 0; i < 100; i++) many[i] = (struct pollfd){i % 2 ? ends[0] : full[1], POLLIN | POLLOUT, 0};
  LIBC(poll(many, 100, 0));

  puts("-- ppoll");
  struct timespec time = {0, 20000000};
  uint64_t mask = 1 << 9;
  fds[0].fd = full[0];
  read(ends[0], &mask, 0);
  start = now();
  fds[0] = (struct pollfd){full[0], POLLOUT, 0};
  RAW(raw(ppoll, fds, 1LL, &time, NULL, 0));
  CHECK(now() - start >= 20);
  printf("%lld %lld\n", (long long)time.tv_sec, (long long)time.tv_nsec);
  time = (struct timespec){1000, 0};
  RAW(raw(ppoll, fds + 1, 1LL, &time, &mask, 8));
  CHECK((time.tv_sec > 900 && time.tv_sec < 1000) || (time.tv_sec == 1000 && time.tv_nsec == 0));
  RAW(raw(ppoll, fds + 1, 1LL, NULL, &mask, 8));
  RAW(raw(ppoll, fds + 1, 1LL, NULL, &mask, 4));
  RAW(raw(ppoll, fds + 1, 1LL, NULL, &mask, 128));
  RAW(raw(ppoll, fds + 1, 1LL, NULL, NULL, 4));
  RAW(raw(ppoll, fds + 1, 1LL, NULL, BAD, 8));
  RAW(raw(ppoll, fds + 1, 1LL, NULL, BAD, 9));
  RAW(raw(ppoll, fds + 1, 1LL, BAD, BAD, 9));
  RAW(raw(ppoll, BAD, 1LL, NULL, NULL, 0));
  time = (struct timespec){0, 1000000000};
  RAW(raw(ppoll, BAD, 1LL, &time, BAD, 4));
  time = (struct timespec){-1, 0};
  RAW(raw(ppoll, fds + 1, 1LL, &time, NULL, 0));
}

static void show(int count, const fd_set *set) {
  for (int i = 0; i < count; i++) putchar(set && FD_ISSET(i, set) ? '1' : '.');
  putchar(' ');
}

static void selects(void) {
  puts("-- select");
  fd_set r, w, e;
  int count = full[1] + 1;
#define ONLY(fd, set) do { FD_ZERO(set); FD_SET(fd, set); } while (0)
#define SETS                                                                                      \
  do {                                                                                            \
    ONLY(ends[0], &r);                                                                            \
    FD_SET(full[0], &r);                                                                          \
    ONLY(ends[1], &w);                                                                            \
    FD_SET(full[1], &w);                                                                          \
    ONLY(ends[0], &e);                                                                            \
  } while (0)
#define SHOW show(count, &r), show(count, &w), show(count, &e), puts("")
  SETS;
  struct timeval time = {1000, 0};
  LIBC(select(count, &r, &w, &e, &time));
  SHOW;
  CHECK(time.tv_sec > 900 && time.tv_sec < 1000 && time.tv_usec < 1000000);
  SETS;
  LIBC(select(count, &r, NULL, &e, NULL));
  SHOW;
  SETS;
  LIBC(select(ends[0] + 1, NULL, NULL, &e, &(struct timeval){0, 0}));
  SHOW;
  ONLY(full[1], &w);
  time = (struct timeval){0, 30000};
  long long start = now();
  LIBC(select(count, NULL, &w, NULL, &time));
  CHECK(now() - start >= 30);
  printf("%lld %lld\n", (long long)time.tv_sec, (long long)time.tv_usec);
  SHOW;
  // More than a second of microseconds.
  ONLY(ends[1], &w);
  time = (struct timeval){1000, 2000000};
  LIBC(select(count, NULL, &w, NULL, &time));
  CHECK(time.tv_sec > 900 && time.tv_sec < 1002 && time.tv_usec < 1000000);
  time = (struct timeval){0, -1};
  LIBC(select(count, NULL, &w, NULL, &time));
  time = (struct timeval){-1, 0};
  LIBC(select(count, NULL, &w, NULL, &time));
  LIBC(select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}));
  LIBC(select(-1, NULL, NULL, NULL, &(struct timeval){0, 1000}));
  FD_SET(40, &w);
  LIBC(select(41, NULL, &w, NULL, NULL));
  FD_CLR(40, &w);
  LIBC(select(0x7fffffff, NULL, &w, NULL, NULL));
  RAW(raw(select, count, BAD, NULL, NULL, NULL));
  RAW(raw(select, count, NULL, BAD, NULL, NULL));
  RAW(raw(select, 0, BAD, BAD, BAD, &(struct timeval){0, 0}));
  RAW(raw(select, count, NULL, &w, NULL, BAD));
  RAW(raw(select, -1, BAD, NULL, NULL, BAD));

  puts("-- pselect6");
  uint64_t mask = 1 << 9;
  uint64_t pair[2] = {P(&mask), 8};
  struct timespec left = {0, 20000000};
  ONLY(full[1], &w);
  start = now();
  RAW(raw(pselect6, count, NULL, &w, NULL, &left, NULL));
  CHECK(now() - start >= 20);
  printf("%lld %lld\n", (long long)left.tv_sec, (long long)left.tv_nsec);
  ONLY(ends[1], &w);
  RAW(raw(pselect6, count, NULL, &w, NULL, NULL, pair));
  pair[1] = 4;
  RAW(raw(pselect6, count, NULL, &w, NULL, NULL, pair));
  pair[1] = 1ull << 40;
  RAW(raw(pselect6, count, NULL, &w, NULL, NULL, pair));
  pair[0] = 0;
  RAW(raw(pselect6, count, NULL, &w, NULL, NULL, pair));
  pair[0] = P(BAD), pair[1] = 8;
  RAW(raw(pselect6, count, NULL, &w, NULL, NULL, pair));
  RAW(raw(pselect6, count, NULL, &w, NULL, BAD, pair));
  RAW(raw(pselect6, count, NULL, &w, NULL, NULL, BAD));
  RAW(raw(pselect6, -1, NULL, BAD, NULL, NULL, BAD));
  RAW(raw(pselect6, -1, NULL, BAD, NULL, BAD, NULL));
  left = (struct timespec){0, -1};
  RAW(raw(pselect6, -1, NULL, BAD, NULL, &left, NULL));
}

int main(void) {
  if (pipe(ends) != 0 || pipe2(full, O_NONBLOCK) != 0) die("pipe");
  static char block[4096];
  while (write(full[1], block, sizeof block) > 0)
    ;
  polls();
  selects();
  return 0;
}
