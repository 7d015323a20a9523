// Clocks run forward, agree with one another, and sleeps last as long as asked.
//
// cases:
//   all: {}
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "common.h"

static long long now(int clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) die("clock_gettime");
  if (t.tv_nsec < 0 || t.tv_nsec >= 1000000000) die("nanoseconds out of range");
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long distance(long long a, long long b) { return a < b ? b - a : a - b; }

int main(void) {
  const long long ms = 1000000, second = 1000 * ms;
  long long start = now(CLOCK_MONOTONIC);
  int backwards = 0;
  for (int i = 0; i < 1000; i++) {
    long long next = now(CLOCK_MONOTONIC);
    backwards += next < start;
    start = next;
  }
  CHECK(backwards == 0);

  struct timespec wait = {.tv_nsec = 20 * ms}, left = {7, 7};
  long long before = now(CLOCK_MONOTONIC);
  LIBC(nanosleep(&wait, &left));
  long long slept = now(CLOCK_MONOTONIC) - before;
  CHECK(slept >= 20 * ms && slept < 20 * second);
  CHECK(left.tv_sec == 7 && left.tv_nsec == 7);
  before = now(CLOCK_MONOTONIC);
  long long until = before + 15 * ms;
  struct timespec at = {.tv_sec = until / second, .tv_nsec = until % second};
  RAW(-clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
  CHECK(now(CLOCK_MONOTONIC) >= until);
  RAW(-clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));

  struct timeval tv;
  LIBC(gettimeofday(&tv, NULL));
  long long wall = now(CLOCK_REALTIME);
  CHECK(distance(wall, tv.tv_sec * second + tv.tv_usec * 1000LL) < 10 * second);
  CHECK(tv.tv_usec >= 0 && tv.tv_usec < 1000000);
  CHECK(distance(time(NULL), wall / second) <= 10);
  CHECK(wall / second > 1700000000);
  CHECK(distance(now(CLOCK_REALTIME_COARSE), wall) < 10 * second);
  CHECK(distance(now(CLOCK_MONOTONIC_RAW), now(CLOCK_MONOTONIC)) < 3600 * second);
  long long monotonic = now(CLOCK_MONOTONIC);
  CHECK(now(CLOCK_BOOTTIME) >= monotonic);

  // Burn some time: the process's clocks must notice, and never outrun the wall.
  long long cpu = now(CLOCK_PROCESS_CPUTIME_ID), thread = now(CLOCK_THREAD_CPUTIME_ID);
  volatile unsigned long long sum = 0;
  before = now(CLOCK_MONOTONIC);
  while (now(CLOCK_PROCESS_CPUTIME_ID) - cpu < 5 * ms) sum += 1;
  CHECK(now(CLOCK_THREAD_CPUTIME_ID) > thread);
  CHECK(now(CLOCK_MONOTONIC) - before >= 4 * ms);
  struct tms used;
  memset(&used, 0xff, sizeof used);
  CHECK(times(&used) >= 0);
  CHECK(used.tms_utime >= 0 && used.tms_utime < 6000 && used.tms_cutime == 0);

  struct timespec resolution;
  LIBC(clock_getres(CLOCK_MONOTONIC, &resolution));
  CHECK(resolution.tv_sec == 0 && resolution.tv_nsec >= 1);
  LIBC(clock_getres(CLOCK_REALTIME, NULL));
  RAW(raw(clock_getres, 1000, &resolution));
  RAW(raw(clock_gettime, 1000, &resolution));
  RAW(raw(clock_gettime, CLOCK_MONOTONIC, BAD));
  wait.tv_nsec = second;
  LIBC(nanosleep(&wait, NULL));
  wait.tv_sec = -1, wait.tv_nsec = 0;
  LIBC(nanosleep(&wait, NULL));
  RAW(raw(nanosleep, BAD, (void *)0));
  RAW(-clock_nanosleep(1000, 0, &at, NULL));
  return 0;
}
