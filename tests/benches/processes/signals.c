// What signals cost, from sending to the handler and back: nanoseconds for each, in whichever
// world this runs.
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "../../guests/common.h"

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

#define MEASURE(name, rounds, work)                                                               \
  do {                                                                                            \
    long long start = now();                                                                      \
    for (int i = 0; i < (rounds); i++) work;                                                      \
    printf("%s %lld\n", name, (now() - start) * 100 / (rounds));                                  \
    fflush(stdout);                                                                               \
  } while (0)

static volatile int came;
static void comes(int signal) { (void)signal, came++; }
static void comes_informed(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  came += info->si_code == SI_TKILL;
}
static void handle(int signal, void *handler, int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = (void (*)(int))(uintptr_t)handler;
  action.sa_flags = flags;
  if (sigaction(signal, &action, NULL) != 0) die("sigaction");
}

static sigset_t one, none;
static void block_and_unblock(void) {
  sigprocmask(SIG_BLOCK, &one, NULL);
  sigprocmask(SIG_UNBLOCK, &one, NULL);
}

// Two processes that signal each other, each waiting in a loop or asleep.
static pid_t other;
static volatile int turns;
static void counts(int signal) { (void)signal, turns++; }
static void spins(void) {
  int before = turns;
  kill(other, SIGUSR1);
  for (volatile unsigned spin = 0; turns == before; spin++) {}
}
static void sleeps(void) {
  int before = turns;
  kill(other, SIGUSR1);
  while (turns == before) sigsuspend(&none);
}
static int queue_wait(void) {
  siginfo_t info;
  return sigtimedwait(&one, &info, NULL);
}
static void waits(void) {
  kill(other, SIGUSR1);
  if (queue_wait() != SIGUSR1) die("sigtimedwait");
}
static void answers_spinning(int rounds) {
  for (int i = 0; i < rounds; i++) {
    for (volatile unsigned spin = 0; turns == i; spin++) {}
    kill(other, SIGUSR1);
  }
}
static void answers_sleeping(int rounds) {
  for (int i = 0; i < rounds; i++) {
    while (turns == i) sigsuspend(&none);
    kill(other, SIGUSR1);
  }
}
static void answers_waiting(int rounds) {
  for (int i = 0; i < rounds; i++) {
    if (queue_wait() != SIGUSR1) _exit(1);
    kill(other, SIGUSR1);
  }
}
static void start(void (*answers)(int), int rounds) {
  turns = 0;
  pid_t me = getpid();
  fflush(stdout);
  other = fork();
  if (other != 0) return;
  other = me;
  answers(rounds);
  _exit(0);
}
static void end(void) {
  int status;
  while (waitpid(other, &status, 0) < 0) {}
  if (status != 0) die("the other");
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 10;
  sigemptyset(&one), sigemptyset(&none);
  sigaddset(&one, SIGUSR1);
  handle(SIGUSR1, comes, 0);
  MEASURE("sigaction", rounds * 500, handle(SIGUSR1, comes, 0));
  MEASURE("block_and_unblock", rounds * 500, block_and_unblock());
  MEASURE("raise_and_handle", rounds * 500, raise(SIGUSR1));
  handle(SIGUSR1, comes_informed, SA_SIGINFO);
  MEASURE("raise_and_handle_info", rounds * 500, raise(SIGUSR1));
  if (came != rounds * 1000) die("a signal");
  handle(SIGUSR1, counts, SA_RESTART);
  start(answers_spinning, rounds * 50);
  MEASURE("there_and_back_spinning", rounds * 50, spins());
  end();
  sigprocmask(SIG_BLOCK, &one, NULL);
  start(answers_sleeping, rounds * 50);
  MEASURE("there_and_back_sigsuspend", rounds * 50, sleeps());
  end();
  start(answers_waiting, rounds * 50);
  MEASURE("there_and_back_sigwait", rounds * 50, waits());
  end();
  return 0;
}
