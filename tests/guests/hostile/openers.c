// A thread opens its process's memory again and again, by names that others change; others take
// whatever descriptor may have appeared and try to read by it.
#include "../threads.h"
#include "hostile.h"

static unsigned over;
static char link_name[] = "link", other_name[] = "other";

static _Noreturn void open_way(const char *what) {
  printf("%s\n", what);
  fflush(stdout);
  _exit(1);
}
// Behind the end of a file there is nothing; of memory, nothing but an error.
static int is_memory(int fd) {
  char bytes[64];
  long long n = raw(pread64, fd, (void *)bytes, sizeof bytes, 0x1000);
  return n == -EIO || n > 0;
}

// Descriptors are given out from the lowest free number on: these are likely.
static void *takes(void *argument) {
  int floor = 40 + (int)(intptr_t)argument;
  while (!LOAD(&over)) {
    for (int at = 3; at < 12; at++) {
      if (is_memory(at)) open_way("a descriptor of memory could be read");
      // Something that stays.
      int copy = (int)raw(fcntl, at, F_DUPFD, floor);
      if (copy < 0) continue;
      if (is_memory(copy)) open_way("a copy of a descriptor of memory could be read");
      raw(close, copy);
    }
  }
  return argument;
}
// Closes and replaces numbers that the runtime may be using.
static void *replaces(void *argument) {
  int place = (int)raw(open, "/proc/self/mem", O_PATH, 0);
  int harmless = open(link_name, O_RDONLY);
  for (unsigned i = 0; !LOAD(&over); i++) {
    int at = (int)(i % 2 ? 950 + i % 40 : 3 + i % 20);
    if (at == harmless) continue;
    raw(dup2, place >= 0 ? place : harmless, at);
    raw(close, at);
  }
  return argument;
}
static void *swaps(void *argument) {
  while (!LOAD(&over)) {
    raw(renameat2, AT_FDCWD, link_name, AT_FDCWD, other_name, 2);
  }
  return argument;
}

int main(void) {
  (void)broken;
  write_file(link_name, "harmless");
  if (raw(symlink, "/proc/self/mem", other_name) != 0) return 2;
  pthread_t threads[4];
  threads[0] = start(takes, (void *)0);
  threads[1] = start(takes, (void *)1);
  threads[2] = start(swaps, NULL);
  threads[3] = start(replaces, NULL);
  int opened = 0;
  for (int i = 0; i < 3000; i++) {
    int flags = i % 3 == 0 ? O_RDWR : i % 3 == 1 ? O_RDONLY : O_RDWR | O_CREAT;
    long long fd = i % 7 ? raw(open, i % 2 ? link_name : "/proc/self/mem", flags, 0600)
                         : raw(openat, AT_FDCWD, "/proc/thread-self/mem", flags, 0600);
    if (fd < 0) continue;
    opened++;
    if (is_memory((int)fd)) open_way("memory could be opened");
    raw(close, (int)fd);
  }
  STORE(&over, 1);
  for (int i = 0; i < 4; i++) join(threads[i]);
  if (opened == 0) open_way("nothing could be opened: the test says nothing");
  return 0;
}
