// Signals of all kinds from another process and from oneself, while masks change at random: each
// handler begins with the mask that it must have, none begins for what is blocked, and what is
// queued comes in order, as often as it was sent. The argument says how often.
//
// cases:
//   all: { args: ["3000"] }
//   faults: { args: ["3000", faults] }
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"
#ifndef __wasm__
#include <sys/prctl.h>
#endif

typedef unsigned long long bits;
#define BIT(signal) (1ull << ((signal) - 1))

static int signals[] = {SIGUSR1, SIGSEGV, SIGBUS, 40, SIGTERM, 41, SIGFPE};
#define KINDS (int)(sizeof signals / sizeof *signals)
static bits also[65], ours;
static int last[65], wrong[6], came[65];
static volatile int suspended;
static bits mask;

static unsigned long long seed = 88172645463325252ull;
static unsigned chance(unsigned below) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return (unsigned)(seed >> 20) % below;
}
static bits some(void) {
  bits set = 0;
  for (int i = 0; i < KINDS; i++)
    if (chance(2)) set |= BIT(signals[i]);
  return set;
}
static bits word(const void *set) {
  bits value;
  memcpy(&value, set, sizeof value);
  return value & ours;
}
static bits change(int how, const bits *set) {
  bits before = 0;
  raw(rt_sigprocmask, how, (void *)set, (void *)&before, 8);
  return before & ours;
}
static void take(int signal, siginfo_t *info) {
  came[signal]++;
  if (signal >= 40 && info->si_code == SI_QUEUE) {
    wrong[0] += (int)info->si_int != last[signal] + 1;
    last[signal] = (int)info->si_int;
  }
  wrong[1] += info->si_signo != signal;
}
static void handler(int signal, siginfo_t *info, void *context) {
  bits before = word(&((ucontext_t *)context)->uc_sigmask), now = change(SIG_BLOCK, NULL);
  bits must = also[signal] | BIT(signal);
  take(signal, info);
  wrong[2] += (now & must) != must;
  if (!suspended) {
    wrong[3] += now != (before | must);
    wrong[4] += (before & BIT(signal)) != 0;
  }
}

static void sends(pid_t target, int times) {
  int value[65] = {0};
  for (int i = 0; i < times; i++) {
    int signal = signals[chance((unsigned)KINDS)];
    for (volatile int spins = (int)chance(300); spins > 0; spins--) {}
    if (signal < 40) {
      kill(target, signal);
      continue;
    }
    union sigval next = {.sival_int = ++value[signal]};
    while (sigqueue(target, signal, next) != 0) raw(sched_yield);
  }
  // The last of each says how many there were.
  for (int signal = 40; signal < 42; signal++) {
    union sigval next = {.sival_int = ++value[signal]};
    while (sigqueue(target, signal, next) != 0) raw(sched_yield);
  }
}

int main(int argc, char **argv) {
  int times = argc > 1 ? atoi(argv[1]) : 1000;
  // Mostly signals of faults, which the runtime has a hand in.
  if (argc > 2) signals[0] = SIGBUS, signals[4] = SIGSEGV, signals[6] = SIGSEGV;
  for (int i = 0; i < KINDS; i++) ours |= BIT(signals[i]);
  for (int i = 0; i < KINDS; i++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | (chance(2) ? SA_RESTART : 0);
    bits set = also[signals[i]] = some();
    memcpy(&action.sa_mask, &set, sizeof set);
    sigaction(signals[i], &action, NULL);
  }
  fflush(stdout);
  pid_t target = getpid(), sender = fork();
  if (sender == 0) {
    raw(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != target) _exit(1);
    seed += 12345;
    sends(target, times);
    _exit(0);
  }
  int status, turns = 0;
  do {
    bits set = some();
    struct timespec none = {0, 0}, little = {0, 1000};
    switch (chance(9)) {
      case 0: change(SIG_BLOCK, &set), mask |= set; break;
      case 1: change(SIG_UNBLOCK, &set), mask &= ~set; break;
      case 2: change(SIG_SETMASK, &set), mask = set; break;
      case 3:
        suspended = 1;
        raw(ppoll, NULL, 0, &little, (void *)&set, 8);
        suspended = 0;
        break;
      case 4: nanosleep(&little, NULL); break;
      case 5: raise(signals[chance(3)]); break;
      case 6: {
        bits pending = 0;
        raw(rt_sigpending, (void *)&pending, 8);
        // What is let through is not pending.
        wrong[5] += (pending & ours & ~mask) != 0;
        break;
      }
      case 7: {
        siginfo_t info;
        set &= mask;
        int signal = (int)raw(rt_sigtimedwait, (void *)&set, (void *)&info, &none, 8);
        if (signal > 0) take(signal, &info);
        wrong[1] += signal > 0 && !(set & BIT(signal));
        break;
      }
      case 8: {
        pid_t child = chance(40) ? 0 : fork();
        if (child == 0 && getpid() != target) _exit(change(SIG_BLOCK, NULL) == mask ? 3 : 4);
        if (child > 0) {
          while (waitpid(child, &status, 0) < 0) {}
          wrong[5] += WEXITSTATUS(status) != 3;
        }
        break;
      }
    }
    wrong[5] += change(SIG_BLOCK, NULL) != mask;
    turns++;
  } while (waitpid(sender, &status, WNOHANG) == 0);
  mask = 0;
  change(SIG_SETMASK, &mask);
  for (int i = 0; i < 6; i++) printf("wrong: %d\n", wrong[i]);
  printf("all queued: %d\n", last[40] == came[40] && last[41] == came[41] && turns > 0);
  printf("ended %x\n", status);
  return 0;
}
