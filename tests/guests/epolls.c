// Descriptors that watch others: level and edge, once, many at a time.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include "common.h"

#ifdef __wasm__
#define DATA(event) (event).data
#else
#include <sys/signalfd.h>
#define DATA(event) (event).data.u64
#endif

static struct epoll_event events[200];

static struct epoll_event *want(unsigned mask, uint64_t data) {
  static struct epoll_event event;
  event.events = mask;
  DATA(event) = data;
  return &event;
}

static void show(long long count) {
  printf("%s:", libc_outcome(count));
  for (long long i = 0; i < count; i++)
    printf(" %#x/%#llx", events[i].events, (unsigned long long)DATA(events[i]));
  puts("");
}

int main(void) {
  uint64_t value = 1;
  puts("-- making and changing");
  LIBC(epoll_create(0));
  LIBC(epoll_create(-1));
  LIBC(epoll_create1(1));
  LIBC(close(epoll_create(1)));
  int ep = epoll_create1(EPOLL_CLOEXEC), ends[2], count = eventfd(0, EFD_NONBLOCK);
  if (pipe2(ends, O_NONBLOCK) != 0) die("pipe");
  LIBC(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], want(EPOLLIN, 0x123456789abcdef0)));
  LIBC(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], want(EPOLLIN, 1)));
  LIBC(epoll_ctl(ep, EPOLL_CTL_MOD, ends[1], want(EPOLLIN, 1)));
  LIBC(epoll_ctl(ep, EPOLL_CTL_DEL, ends[1], NULL));
  LIBC(epoll_ctl(ep, 9, ends[1], want(0, 0)));
  LIBC(epoll_ctl(ep, EPOLL_CTL_ADD, ep, want(EPOLLIN, 1)));
  LIBC(epoll_ctl(ep, EPOLL_CTL_ADD, open(".", O_RDONLY), want(EPOLLIN, 1)));
  LIBC(epoll_ctl(ends[0], EPOLL_CTL_ADD, ends[1], want(EPOLLIN, 1)));
  RAW(raw(epoll_ctl, 0x7fff, EPOLL_CTL_ADD, ends[1], BAD));
  RAW(raw(epoll_ctl, ep, EPOLL_CTL_ADD, 0x7fff, BAD));
  RAW(raw(epoll_ctl, ep, EPOLL_CTL_ADD, ends[1], BAD));
  RAW(raw(epoll_ctl, ep, EPOLL_CTL_ADD, ends[1], NULL));
  RAW(raw(epoll_ctl, ep, EPOLL_CTL_DEL, ends[1], BAD));

  puts("-- waiting");
  show(epoll_wait(ep, events, 10, 0));
  show(epoll_wait(ep, events, 10, 10));
  write(ends[1], "x", 1);
  show(epoll_wait(ep, events, 10, -1));
  show(epoll_wait(ep, events, 1, 0));
  show(epoll_wait(ep, events, 0, 0));
  show(epoll_wait(ep, events, -1, 0));
  show(epoll_wait(ep, events, 0x7fffffff, 0));
  show(epoll_wait(ep, events, 0x7fffffff / (int)sizeof events[0] + 1, 0));
  show(epoll_wait(ends[0], events, 1, 0));
  show(epoll_wait(0x7fff, events, 0, 0));
  RAW(raw(epoll_wait, ep, BAD, 10, 0));
  RAW(raw(epoll_wait, ep, NULL, 10, 0));
  RAW(raw(epoll_wait, 0x7fff, BAD, 10, 0));
  show(epoll_wait(ep, events, 10, 0));

  puts("-- edges, and once");
  LIBC(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], want(EPOLLIN | EPOLLET, 2)));
  show(epoll_wait(ep, events, 10, 0));
  show(epoll_wait(ep, events, 10, 0));
  write(ends[1], "x", 1);
  show(epoll_wait(ep, events, 10, 0));
  LIBC(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], want(EPOLLIN | EPOLLONESHOT, 3)));
  show(epoll_wait(ep, events, 10, 0));
  show(epoll_wait(ep, events, 10, 0));
  write(ends[1], "x", 1);
  show(epoll_wait(ep, events, 10, 0));
  LIBC(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], want(EPOLLIN | EPOLLONESHOT, 4)));
  show(epoll_wait(ep, events, 10, 0));
  LIBC(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], want(EPOLLEXCLUSIVE | EPOLLIN, 4)));
  LIBC(epoll_ctl(ep, EPOLL_CTL_DEL, ends[0], NULL));
  LIBC(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], want(EPOLLEXCLUSIVE | EPOLLONESHOT, 4)));
  LIBC(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], want(0, ~0ull)));
  show(epoll_wait(ep, events, 10, 0));
  close(ends[1]);
  show(epoll_wait(ep, events, 10, 0));
  close(ends[0]);
  show(epoll_wait(ep, events, 10, 0));

  puts("-- many");
  static int fds[100];
  for (int i = 0; i < 100; i++) {
    fds[i] = eventfd(0, EFD_NONBLOCK);
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], want(EPOLLIN | EPOLLOUT, (uint64_t)i << 33 | 5)) != 0)
      die("epoll_ctl");
  }
  for (int room = 1; room <= 200; room = room < 100 ? room * 2 - room / 8 : room + 50) {
    memset(events, 0x55, sizeof events);
    long long got = epoll_wait(ep, events, room, 0);
    // What was ready goes to the end of the line, so one round sees each once at most.
    int good = got == (room < 100 ? room : 100);
    for (int i = 0; i < got; i++) good &= events[i].events == EPOLLOUT && (DATA(events[i]) & 0xffffffff) == 5;
    for (int i = (int)(got < 0 ? 0 : got); i < 200; i++) good &= events[i].events == 0x55555555;
    printf("room %d: %lld %s\n", room, got, good ? "good" : "BAD");
  }
  for (int i = 0; i < 100; i++) close(fds[i]);

  puts("-- with masks and timespecs");
  LIBC(epoll_ctl(ep, EPOLL_CTL_ADD, count, want(EPOLLIN, 7)));
  uint64_t mask = 1 << 9;
  struct timespec time = {0, 10000000};
  show(raw(epoll_pwait, ep, events, 10, 5, &mask, 8));
  write(count, &value, 8);
  show(raw(epoll_pwait, ep, events, 10, 5, &mask, 8));
  RAW(raw(epoll_pwait, ep, events, 10, 5, &mask, 4));
  RAW(raw(epoll_pwait, ep, events, 10, 5, NULL, 4));
  RAW(raw(epoll_pwait, ep, events, 10, 5, BAD, 8));
  RAW(raw(epoll_pwait, 0x7fff, BAD, -1, 5, BAD, 8));
  RAW(raw(epoll_pwait, 0x7fff, BAD, -1, 5, NULL, 0));
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
  show(raw(epoll_pwait2, ep, events, 10, &time, &mask, 8));
  show(raw(epoll_pwait2, ep, events, 10, NULL, NULL, 0));
  read(count, &value, 8);
  show(raw(epoll_pwait2, ep, events, 10, &time, NULL, 0));
  time.tv_nsec = -1;
  RAW(raw(epoll_pwait2, ep, events, 10, &time, NULL, 0));
  RAW(raw(epoll_pwait2, ep, events, 10, BAD, NULL, 0));
  RAW(raw(epoll_pwait2, 0x7fff, events, 10, BAD, BAD, 4));

  puts("-- one watches another");
  int outer = epoll_create1(0);
  LIBC(epoll_ctl(outer, EPOLL_CTL_ADD, ep, want(EPOLLIN, 8)));
  LIBC(epoll_ctl(ep, EPOLL_CTL_ADD, outer, want(EPOLLIN, 9)));
  show(epoll_wait(outer, events, 10, 0));
  write(count, &value, 8);
  show(epoll_wait(outer, events, 10, 0));

  puts("-- signals by descriptor");
  mask = 1 << 9;
  long long fd = raw(signalfd4, -1, &mask, 8, SFD_NONBLOCK | SFD_CLOEXEC);
  CHECK(fd >= 0);
  LIBC(read((int)fd, events, sizeof events));
  RAW(raw(signalfd4, (int)fd, &mask, 8, 0) == fd ? 0 : -1);
  CHECK(raw(signalfd, -1, &mask, 8) >= 0);
  RAW(raw(signalfd, -1, &mask, 4));
  RAW(raw(signalfd, -1, BAD, 8));
  RAW(raw(signalfd, -1, BAD, 9));
  RAW(raw(signalfd4, -1, BAD, 8, 1));
  RAW(raw(signalfd4, 0x7fff, &mask, 8, 0));
  RAW(raw(signalfd4, ep, &mask, 8, 0));
  return 0;
}
