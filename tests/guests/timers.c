// Timers of a process: made, set, read, overrun, removed; and the clock's adjustment, read.
//
// cases:
//   all: {}
#ifndef __wasm__
#include <signal.h>
#include <sys/timex.h>
#endif
#include <time.h>

#include "common.h"

#ifdef __wasm__
#define THREAD(event) ((event)._sigev_un[0])
#else
#define THREAD(event) ((event)._sigev_un._tid)
#endif

static void life(void) {
  int timer = -1;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  struct itimerspec set = {.it_value = {.tv_sec = 1000}}, got;
  RAW(raw(timer_create, CLOCK_MONOTONIC, &event, &timer));
  CHECK(timer >= 0);
  RAW(raw(timer_gettime, timer, &got));
  CHECK(got.it_value.tv_sec == 0 && got.it_value.tv_nsec == 0);
  RAW(raw(timer_settime, timer, 0, &set, &got));
  RAW(raw(timer_gettime, timer, &got));
  CHECK(got.it_value.tv_sec <= 1000 && got.it_value.tv_sec > 900);
  RAW(raw(timer_getoverrun, timer));
  RAW(raw(timer_settime, timer, 0, NULL, &got));
  RAW(raw(timer_settime, timer, 0, BAD, &got));
  RAW(raw(timer_settime, timer, 0, &set, BAD));
  RAW(raw(timer_gettime, timer, BAD));
  set.it_value.tv_nsec = 1000000000;
  RAW(raw(timer_settime, timer, 0, &set, NULL));
  set.it_value = (struct timespec){.tv_sec = 1};
  RAW(raw(timer_settime, timer, TIMER_ABSTIME, &set, NULL));
  RAW(raw(timer_gettime, timer, &got));
  RAW(raw(timer_delete, timer));
  RAW(raw(timer_delete, timer));
  RAW(raw(timer_gettime, timer, &got));
  RAW(raw(timer_settime, timer, 0, &set, NULL));
  RAW(raw(timer_getoverrun, -1));
}

static void events(void) {
  int timer;
  // A signal that does nothing unless it is handled.
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGURG};
  struct itimerspec set = {.it_interval = {0, 1000000}, .it_value = {0, 1000000}};
  RAW(raw(timer_create, CLOCK_REALTIME, &event, &timer));
  RAW(raw(timer_settime, timer, 0, &set, NULL));
  struct timespec wait = {.tv_nsec = 5000000};
  RAW(raw(clock_nanosleep, CLOCK_MONOTONIC, 0, &wait, NULL));
  RAW(raw(timer_delete, timer));
  event.sigev_notify = SIGEV_SIGNAL | SIGEV_THREAD_ID;
  THREAD(event) = (int)raw(gettid);
  RAW(raw(timer_create, CLOCK_MONOTONIC, &event, &timer));
  RAW(raw(timer_delete, timer));
  THREAD(event) = 1;
  RAW(raw(timer_create, CLOCK_MONOTONIC, &event, &timer));
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = 0;
  RAW(raw(timer_create, CLOCK_MONOTONIC, &event, &timer));
  event.sigev_signo = 65;
  RAW(raw(timer_create, CLOCK_MONOTONIC, &event, &timer));
  event.sigev_notify = 77;
  RAW(raw(timer_create, CLOCK_MONOTONIC, &event, &timer));
  RAW(raw(timer_create, CLOCK_MONOTONIC, BAD, &timer));
  RAW(raw(timer_create, CLOCK_MONOTONIC, NULL, BAD));
  RAW(raw(timer_create, 1000, NULL, &timer));
  // SIGALRM is what there is without an event; not set, it never comes.
  RAW(raw(timer_create, CLOCK_MONOTONIC, NULL, &timer));
  RAW(raw(timer_delete, timer));
}

static void adjustment(void) {
  struct {
    struct timex timex;
    unsigned char behind[16];
  } clock;
  memset(&clock, 0, sizeof clock);
  memset(clock.behind, 0x5a, sizeof clock.behind);
  CHECK(sizeof clock.timex == 208);
  long long state = raw(adjtimex, &clock.timex);
  CHECK(state >= TIME_OK && state <= TIME_ERROR);
  CHECK(clock.timex.tick >= 9000 && clock.timex.tick <= 11000);
  CHECK(clock.timex.time.tv_sec > 1700000000);
  CHECK(clock.behind[0] == 0x5a);
  clock.timex.modes = 0;
  CHECK(raw(clock_adjtime, CLOCK_REALTIME, &clock.timex) == state);
  RAW(raw(clock_adjtime, CLOCK_MONOTONIC, &clock.timex));
  RAW(raw(clock_adjtime, 1000, &clock.timex));
  RAW(raw(adjtimex, BAD));
  RAW(raw(adjtimex, NULL));
}

int main(void) {
  life();
  events();
  adjustment();
  return 0;
}
