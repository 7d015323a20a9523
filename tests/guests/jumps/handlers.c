// Jumps out of handlers of signals that come in a call: where clang makes exceptions of jumps, only
// calls can be left by them. Masks, handlers in handlers, threads, copies of the process.
#include <setjmp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "../common.h"

static _Thread_local sigjmp_buf place;
static _Thread_local volatile int handled;

static void show_mask(const char *when) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, 0, &mask);
  printf("%s:", when);
  for (int signal = 1; signal < 32; signal++)
    if (sigismember(&mask, signal)) printf(" %d", signal);
  puts("");
}

static void on(int signal, void (*handler)(int), int also) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  if (also) sigaddset(&action.sa_mask, also);
  sigaction(signal, &action, 0);
}

static void empty_mask(void) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
}

static void jump(int signal) {
  handled++;
  siglongjmp(place, signal);
}

static void masks(void) {
  on(SIGUSR1, jump, SIGTERM);
  if (sigsetjmp(place, 1) == 0) raise(SIGUSR1);
  show_mask("stored");
  if (sigsetjmp(place, 0) == 0) raise(SIGUSR1);
  show_mask("not stored");
  empty_mask();
  if (setjmp(place) == 0) raise(SIGUSR1);
  show_mask("setjmp");
  empty_mask();
}

static void deeper(int signal) {
  handled++;
  if (signal == SIGUSR1) raise(SIGUSR2);
  if (signal == SIGUSR2) raise(SIGHUP);
  siglongjmp(place, signal);
}
static void nested(void) {
  on(SIGUSR1, deeper, 0);
  on(SIGUSR2, deeper, 0);
  on(SIGHUP, deeper, SIGTERM);
  handled = 0;
  volatile int rounds = 0;
  volatile int came = sigsetjmp(place, 1);
  if (rounds++ < 300) raise(SIGUSR1);
  printf("nested: %d, handled %d\n", came, handled);
  show_mask("afterwards");
}

// The handler that is interrupted goes on.
static sigjmp_buf inner;
static void innermost(int signal) { siglongjmp(inner, signal); }
static void outer(int signal) {
  volatile int count = 0;
  int came = sigsetjmp(inner, 1);
  if (count++ < 20) raise(SIGUSR2);
  printf("in the handler of %d: %d, %d times\n", signal, came, count);
  show_mask("in the handler");
}
static void partly(void) {
  on(SIGUSR1, outer, 0);
  on(SIGUSR2, innermost, 0);
  raise(SIGUSR1);
  show_mask("behind it");
}

static void faults(void) {
  volatile char *volatile bad = bad_address();
  static volatile int count, came;
  on(SIGSEGV, jump, 0);
  on(SIGABRT, jump, 0);
  for (count = 0; count < 300; count++) {
    came = sigsetjmp(place, 1);
    // In a call, since only calls are left by exceptions.
    if (came == 0) memset((char *)bad + count, 1, 1);
    if (came != SIGSEGV) puts("no fault");
    came = sigsetjmp(place, 1);
    if (came == 0) raise(SIGABRT);
    if (came != SIGABRT) puts("no abort");
  }
  printf("%d faults\n", count);
  show_mask("behind them");
}

static void waits(void) {
  on(SIGALRM, jump, 0);
  static volatile int round;
  for (round = 0; round < 3; round++) {
    if (sigsetjmp(place, 1) == 0) {
      struct itimerval value = {.it_value.tv_usec = 5000};
      setitimer(ITIMER_REAL, &value, 0);
      struct timespec long_time = {1000, 0};
      if (round % 2) nanosleep(&long_time, 0);
      else pause();
      puts("not reached");
    }
    printf("out of wait %d\n", round);
  }
}

static void copied(void) {
  static sigjmp_buf before;
  volatile pid_t child = -1;
  int came = sigsetjmp(before, 1);
  if (came == 0) {
    child = fork();
    if (child == 0) siglongjmp(before, 42);
  }
  if (child == 0) _exit(came);
  int status;
  waitpid(child, &status, 0);
  printf("the child: %d\n", WEXITSTATUS(status));
}

static int descend(int depth) {
  if (depth == 0) siglongjmp(place, 3);
  return descend(depth - 1) + 1;
}
static void *thread(void *argument) {
  static _Thread_local volatile int round, wrong;
  for (round = 0; round < 2000; round++) {
    volatile int came = sigsetjmp(place, 1);
    if (came == 0) {
      if (round % 3) descend(round % 100);
      else raise(SIGUSR1);
    }
    wrong += came != (round % 3 ? 3 : SIGUSR1);
  }
  *(int *)argument = round * 10 + wrong;
  return 0;
}
static void threads(void) {
  on(SIGUSR1, jump, 0);
  pthread_t all[4];
  int results[4];
  for (int i = 0; i < 4; i++)
    if (pthread_create(&all[i], 0, thread, &results[i])) die("pthread_create");
  for (int i = 0; i < 4; i++) {
    pthread_join(all[i], 0);
    printf("thread: %d\n", results[i]);
  }
}

int main(void) {
  masks();
  nested();
  partly();
  faults();
  waits();
  copied();
  threads();
  return 0;
}
