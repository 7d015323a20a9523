// A signal of a timer names the timer.
#include "gap.h"

struct event {
  uint64_t value;
  int signal, notify;
  int rest[12];
};

int main(void) {
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, 40);
  sigprocmask(SIG_BLOCK, &set, NULL);
  struct event event = {.signal = 40, .notify = SIGEV_SIGNAL};
  int ids[2] = {-1, -1};
  // The first may well be 0, as something that was never written.
  for (int i = 0; i < 2; i++)
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &ids[i])) return 2;
  struct itimerspec once = {.it_value = {0, 1000}};
  if (syscall(SYS_timer_settime, ids[1], 0, &once, NULL)) return 2;
  siginfo_t info;
  LINUX(sigwaitinfo(&set, &info) == 40);
  LINUX(info.si_timerid == ids[1]);
  return gap_found;
}
