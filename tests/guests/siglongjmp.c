// Jumps out of signal handlers, and what they leave: masks, the stack for handlers, calls that
// were interrupted.
#include <setjmp.h>
#include <signal.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

static sigjmp_buf place;
static volatile int handled;

static void show_mask(const char *when) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, 0, &mask);
  printf("%s:", when);
  for (int signal = 1; signal < 32; signal++)
    if (sigismember(&mask, signal)) printf(" %d", signal);
  puts("");
}

static void set_mask(int a, int b) {
  sigset_t mask;
  sigemptyset(&mask);
  if (a) sigaddset(&mask, a);
  if (b) sigaddset(&mask, b);
  sigprocmask(SIG_SETMASK, &mask, 0);
}

static void on(int signal, void (*handler)(int), int flags, int also) {
  struct sigaction action = {.sa_flags = flags};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  if (also) sigaddset(&action.sa_mask, also);
  sigaction(signal, &action, 0);
}

static void jump(int signal) {
  handled++;
  siglongjmp(place, signal);
}

// With the mask stored and without.
static void masks(void) {
  on(SIGUSR1, jump, 0, SIGTERM);
  set_mask(SIGHUP, 0);
  if (sigsetjmp(place, 1) == 0) raise(SIGUSR1);
  show_mask("stored");
  if (sigsetjmp(place, 0) == 0) raise(SIGUSR1);
  show_mask("not stored");
  set_mask(0, 0);
  if (setjmp(place) == 0) raise(SIGUSR1);
  show_mask("setjmp");
  set_mask(0, 0);
  // longjmp is siglongjmp to a place of sigsetjmp's.
  volatile int came = sigsetjmp(place, 5);
  if (came == 0) {
    set_mask(SIGINT, SIGQUIT);
    longjmp(place, 3);
  }
  printf("%d ", came);
  show_mask("longjmp");
  // What cannot be blocked is not.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, 0);
  came = sigsetjmp(place, 1);
  if (came == 0) {
    set_mask(0, 0);
    siglongjmp(place, 1);
  }
  sigprocmask(SIG_BLOCK, 0, &all);
  CHECK(sigismember(&all, SIGKILL) == 0 && sigismember(&all, SIGSTOP) == 0);
  CHECK(sigismember(&all, SIGSEGV) == 1 && sigismember(&all, SIGALRM) == 1);
  set_mask(0, 0);
}

static void note(int signal) {
  (void)signal;
  handled++;
}

// The mask that comes back lets a signal through: its handler runs before anything else.
static void pending(void) {
  on(SIGUSR2, note, 0, 0);
  handled = 0;
  if (sigsetjmp(place, 1) == 0) {
    set_mask(SIGUSR2, SIGSEGV);
    on(SIGSEGV, note, 0, 0);
    raise(SIGUSR2);
    kill(getpid(), SIGSEGV);
    printf("pending: %d", handled);
    siglongjmp(place, 1);
  }
  int seen = handled;
  printf(", after the jump: %d\n", seen);
}

// Out of a handler in a handler in a handler.
static void deeper(int signal) {
  handled++;
  if (signal == SIGUSR1) raise(SIGUSR2);
  if (signal == SIGUSR2) raise(SIGHUP);
  siglongjmp(place, signal);
}
static void nested(void) {
  on(SIGUSR1, deeper, 0, 0);
  on(SIGUSR2, deeper, 0, 0);
  on(SIGHUP, deeper, 0, SIGTERM);
  handled = 0;
  volatile int rounds = 0;
  volatile int came = sigsetjmp(place, 1);
  if (rounds++ < 500) raise(SIGUSR1);
  printf("nested: %d, handled %d\n", came, handled);
  show_mask("afterwards");
  came = setjmp(place);
  if (came == 0) raise(SIGUSR1);
  printf("nested: %d\n", came);
  show_mask("not stored");
  set_mask(0, 0);
}

// Only out of the innermost: the handler that it interrupted goes on.
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
  on(SIGUSR1, outer, 0, 0);
  on(SIGUSR2, innermost, 0, 0);
  raise(SIGUSR1);
  show_mask("behind it");
}

// The signal comes before the call or while it waits: the handler jumps in either case.
static void timer(int milliseconds) {
  struct itimerval value = {.it_value.tv_usec = milliseconds * 1000};
  setitimer(ITIMER_REAL, &value, 0);
}
static void interrupted(void) {
  on(SIGALRM, jump, SA_RESTART, 0);
  int ends[2];
  if (pipe(ends)) die("pipe");
  static volatile int which;
  for (which = 0; which < 6; which++) {
    if (sigsetjmp(place, 1) == 0) {
      char byte;
      struct timespec long_time = {1000, 0};
      struct pollfd poller = {ends[0], POLLIN, 0};
      timer(10);
      switch (which) {
        case 0: pause(); break;
        case 1: (void)!read(ends[0], &byte, 1); break;
        case 2: nanosleep(&long_time, 0); break;
        case 3: poll(&poller, 1, -1); break;
        case 4: select(0, 0, 0, 0, 0); break;
        case 5: for (;;) handled += 0;
      }
      puts("not reached");
    }
    printf("out of call %d\n", which);
  }
  show_mask("behind the calls");
  CHECK(write(ends[1], "x", 1) == 1);
  char byte = 0;
  CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
  close(ends[0]), close(ends[1]);
}

// Calls that wait under another mask: which one is left?
static void waiting(void) {
  on(SIGUSR1, jump, 0, SIGTERM);
  static volatile int which;
  sigset_t none;
  sigemptyset(&none);
  sigaddset(&none, SIGHUP);
  struct timespec long_time = {1000, 0};
  for (which = 0; which < 2; which++) {
    set_mask(SIGUSR1, SIGUSR2);
    if (setjmp(place) == 0) {
      raise(SIGUSR1);
      switch (which) {
        case 0: sigsuspend(&none); break;
        case 1: raw(ppoll, (void *)0, 0, (void *)&long_time, (void *)&none, 8); break;
      }
      puts("not reached");
    }
    printf("%d ", which);
    show_mask("out of a wait");
    set_mask(SIGUSR1, SIGUSR2);
    if (sigsetjmp(place, 1) == 0) {
      raise(SIGUSR1);
      sigsuspend(&none);
    }
    show_mask("with the mask");
  }
  set_mask(0, 0);
}

// Out of handlers of faults, as many times as one likes.
static void faults(void) {
  volatile char *volatile bad = bad_address();
  static volatile int count, signal;
  on(SIGSEGV, jump, 0, 0);
  for (count = 0; count < 300; count++) {
    signal = sigsetjmp(place, 1);
    if (signal == 0) bad[count] = 1;
    if (signal != SIGSEGV) puts("no fault");
    if (sigsetjmp(place, 1) == 0) handled += bad[count * 5];
  }
  printf("%d faults, signal %d\n", count, signal);
  show_mask("behind them");
  // Without the mask, the signal stays blocked, unless the handler does not block it.
  on(SIGSEGV, jump, SA_NODEFER, 0);
  for (count = 0; count < 300; count++)
    if (setjmp(place) == 0) bad[0] = 1;
  show_mask("not deferred");
  on(SIGSEGV, jump, 0, 0);
  if (setjmp(place) == 0) bad[0] = 1;
  show_mask("deferred");
  set_mask(0, 0);
}

// Arithmetic and instructions that are none. Not all ISAs raise the same signals.
static void other_faults(void) {
  static volatile int count;
#if defined __wasm__ || defined __x86_64__
  static volatile int zero, least = -0x7fffffff - 1, minus = -1;
#endif
  on(SIGFPE, jump, 0, 0);
  on(SIGILL, jump, 0, 0);
  for (count = 0; count < 100; count++) {
    int came = sigsetjmp(place, 1);
#if defined __wasm__ || defined __x86_64__
    if (came == 0) handled += 7 / zero;
#else
    if (came == 0) raise(SIGFPE);
#endif
    if (came != SIGFPE) puts("no SIGFPE");
    came = sigsetjmp(place, 1);
#if defined __wasm__ || defined __x86_64__
    if (came == 0) handled += least / minus;
#else
    if (came == 0) raise(SIGFPE);
#endif
    if (came != SIGFPE) puts("no SIGFPE");
    came = sigsetjmp(place, 1);
#if defined __wasm__ || defined __x86_64__
    if (came == 0) __builtin_trap();
#else
    if (came == 0) raise(SIGILL);
#endif
    if (came != SIGILL) puts("no SIGILL");
  }
  printf("%d times\n", count);
}

// The stack for handlers is free again.
static char handlers_stack[16384];
static volatile int on_it;
static void look(int signal) {
  char here;
  on_it = &here >= handlers_stack && &here < handlers_stack + sizeof handlers_stack;
  stack_t now;
  sigaltstack(0, &now);
  on_it += 2 * (now.ss_flags == SS_ONSTACK);
  siglongjmp(place, signal);
}
static void stacks(void) {
  stack_t stack = {.ss_sp = handlers_stack, .ss_size = sizeof handlers_stack}, now;
  LIBC(sigaltstack(&stack, 0));
  on(SIGUSR1, look, SA_ONSTACK, 0);
  static volatile int count, right;
  for (count = 0; count < 200; count++) {
    on_it = 0;
    if (sigsetjmp(place, 1) == 0) raise(SIGUSR1);
    right += on_it == 3;
    sigaltstack(0, &now);
    right += now.ss_flags == 0;
  }
  printf("on the stack and off it: %d\n", right);
  stack.ss_flags = SS_DISABLE;
  LIBC(sigaltstack(&stack, 0));
}

// A copy of the process has all places, too.
static void copied(void) {
  static sigjmp_buf before;
  volatile pid_t child = -1;
  int came = sigsetjmp(before, 1);
  if (came == 0) {
    child = fork();
    if (child == 0) {
      set_mask(SIGINT, 0);
      siglongjmp(before, 42);
    }
  }
  if (child == 0) {
    sigset_t mask;
    sigprocmask(SIG_BLOCK, 0, &mask);
    _exit(came + sigismember(&mask, SIGINT));
  }
  int status;
  waitpid(child, &status, 0);
  printf("the child: %d\n", WEXITSTATUS(status));
}

// A storm of signals, each of which jumps to the same place.
static void storm(void) {
  on(SIGALRM, jump, 0, 0);
  handled = 0;
  struct itimerval value = {{0, 200}, {0, 200}};
  static volatile long long work;
  if (sigsetjmp(place, 1) == 0) setitimer(ITIMER_REAL, &value, 0);
  while (handled < 500) work++;
  set_mask(SIGALRM, 0);
  value = (struct itimerval){0};
  setitimer(ITIMER_REAL, &value, 0);
  on(SIGALRM, SIG_IGN, 0, 0);
  set_mask(0, 0);
  printf("storm: %d\n", handled >= 500);
}

int main(void) {
  masks();
  pending();
  nested();
  partly();
  interrupted();
  waiting();
  faults();
  other_faults();
  stacks();
  copied();
  storm();
  return 0;
}
