// Signals of several kinds, for their lines in traces; with an argument, an end by one.
//
// cases:
//   all: { status: 3 }
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

static volatile int handled;
static char *volatile page;
static void counts(int signal) {
  (void)signal;
  handled++;
}
static void mends(int signal) {
  (void)signal;
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
  handled++;
}
static void raises(int signal) {
  (void)signal;
  raise(SIGUSR2);
  handled++;
}

// A signal may come before the wait for it, on a slow machine.
static void wait_for(int count) {
  while (handled < count) {
    struct timespec time = {1, 0};
    nanosleep(&time, NULL);
  }
}

int main(int argc, char **argv) {
  (void)argv;
  int signals[] = {SIGUSR2, SIGALRM, SIGCHLD, SIGPIPE, SIGSEGV, SIGIO, 40, 50};
  for (int i = 0; i < 8; i++) signal(signals[i], counts);
  signal(SIGUSR1, raises);
  kill(getpid(), SIGUSR1);
  raise(SIGSEGV);
  union sigval value = {.sival_int = 77};
  sigqueue(getpid(), 40, value);
  value.sival_int = 0;
  sigqueue(getpid(), 50, value);
  struct itimerval soon = {{0, 0}, {0, 1000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  wait_for(6);
  int timer;
  raw(timer_create, CLOCK_MONOTONIC, NULL, &timer);
  struct itimerspec once = {{0, 0}, {0, 1000000}};
  raw(timer_settime, timer, 0, &once, NULL);
  wait_for(7);
  int ends[2];
  pipe(ends);
  close(ends[0]);
  write(ends[1], "x", 1);
  signal(SIGSEGV, mends);
  page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  page[7] = 1;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(7);
  wait_for(10);
  waitpid(child, NULL, 0);
  printf("handled %d\n", handled);
  fflush(stdout);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  if (argc > 1) __builtin_trap();
  return 3;
}
