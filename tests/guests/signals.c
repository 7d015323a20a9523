// Signals within one process: actions, masks, order, nesting, stacks, waiting, information.
//
// cases:
//   actions: { args: [actions] }
//   masks: { args: [masks] }
//   order: { args: [order] }
//   nesting: { args: [nesting] }
//   reset: { args: [reset] }
//   info: { args: [info] }
//   stack: { args: [stack] }
//   suspend: { args: [suspend] }
//   suspend_fault: { args: [suspend_fault] }
//   timedwait: { args: [timedwait] }
//   timedwait_fault: { args: [timedwait_fault] }
//   faults_sent: { args: [faults_sent] }
//   faults_raised: { args: [faults_raised] }
//   loop: { args: [loop] }
//   errors: { args: [errors] }
//   dies_of_fault: { args: [dies_of_fault] }
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static volatile int count;
static char trace[256];

static void note(const char *text) {
  if (strlen(trace) + strlen(text) < sizeof trace) strcat(trace, text);
}
static void show(const char *what) {
  printf("%s: %s\n", what, trace);
  trace[0] = 0;
}

static const char *name(int signal) {
  static char text[16];
  switch (signal) {
    case SIGUSR1: return "USR1";
    case SIGUSR2: return "USR2";
    case SIGTERM: return "TERM";
    case SIGHUP: return "HUP";
    case SIGINT: return "INT";
    case SIGSEGV: return "SEGV";
    case SIGBUS: return "BUS";
    case SIGFPE: return "FPE";
    case SIGILL: return "ILL";
    case SIGALRM: return "ALRM";
    case SIGCHLD: return "CHLD";
  }
  snprintf(text, sizeof text, "%d", signal);
  return text;
}

static void begin_end(int signal) {
  count++;
  note("<");
  note(name(signal));
  sigset_t pending;
  sigpending(&pending);
  for (int s = 1; s <= 64; s++)
    if (sigismember(&pending, s)) note("?"), note(name(s));
  note(">");
}

static void show_mask(const char *what) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  printf("%s:", what);
  for (int s = 1; s <= 64; s++)
    if (sigismember(&mask, s) && s != 32 && s != 33) printf(" %d", s);
  printf("\n");
}

static void mask_shower(int signal) {
  printf("%s ", name(signal));
  show_mask("mask in handler");
}

static int install(int signal, void (*handler)(int), int flags, int also) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  if (also) sigaddset(&action.sa_mask, also);
  return sigaction(signal, &action, NULL);
}

static void block(int how, int a, int b) {
  sigset_t set;
  sigemptyset(&set);
  if (a) sigaddset(&set, a);
  if (b) sigaddset(&set, b);
  LIBC(sigprocmask(how, &set, NULL));
}

static void show_action(int signal) {
  struct sigaction old;
  if (sigaction(signal, NULL, &old) != 0) {
    printf("%d: %s\n", signal, error_name(errno));
    return;
  }
  const char *what = old.sa_handler == SIG_DFL   ? "default"
                     : old.sa_handler == SIG_IGN ? "ignore"
                     : old.sa_handler == begin_end ? "begin_end"
                                                   : "other";
  printf("%s: %s, flags %x, mask", name(signal), what, old.sa_flags & ~0x04000000);
  for (int s = 1; s <= 64; s++)
    if (sigismember(&old.sa_mask, s)) printf(" %d", s);
  printf("\n");
}

static void actions(void) {
  show_action(SIGUSR1);
  LIBC(install(SIGUSR1, begin_end, SA_RESTART | SA_NODEFER, SIGUSR2));
  show_action(SIGUSR1);
  LIBC(install(SIGUSR1, begin_end, (int)(SA_RESETHAND | SA_ONSTACK | 0x400 | 0x10000), SIGKILL));
  show_action(SIGUSR1);
  LIBC(install(SIGUSR1, SIG_IGN, SA_RESTART, SIGHUP));
  show_action(SIGUSR1);
  LIBC(raise(SIGUSR1));
  LIBC(install(SIGUSR1, SIG_DFL, 0, 0));
  show_action(SIGUSR1);
  LIBC(install(SIGKILL, begin_end, 0, 0));
  LIBC(install(SIGSTOP, SIG_IGN, 0, 0));
  LIBC(install(65, begin_end, 0, 0));
  LIBC(install(0, begin_end, 0, 0));
  LIBC(install(-1, begin_end, 0, 0));
  show_action(SIGKILL);
  show_action(SIGSEGV);
  LIBC(install(SIGSEGV, begin_end, SA_RESTART, SIGBUS));
  show_action(SIGSEGV);
  LIBC(install(SIGSEGV, SIG_IGN, 0, 0));
  show_action(SIGSEGV);
  LIBC(raise(SIGSEGV));
  for (int s = 34; s <= 64; s += 10) {
    LIBC(install(s, begin_end, 0, 0));
    LIBC(raise(s));
  }
  show("real-time");
  // Ignoring a pending signal discards it.
  LIBC(install(SIGUSR2, begin_end, 0, 0));
  block(SIG_BLOCK, SIGUSR2, 0);
  LIBC(raise(SIGUSR2));
  LIBC(install(SIGUSR2, SIG_IGN, 0, 0));
  LIBC(install(SIGUSR2, begin_end, 0, 0));
  block(SIG_UNBLOCK, SIGUSR2, 0);
  show("discarded");
}

static void masks(void) {
  install(SIGUSR1, begin_end, 0, 0);
  install(SIGUSR2, begin_end, 0, 0);
  show_mask("at first");
  block(SIG_BLOCK, SIGUSR1, SIGUSR2);
  show_mask("blocked");
  LIBC(raise(SIGUSR2));
  LIBC(raise(SIGUSR1));
  LIBC(raise(SIGUSR1));
  sigset_t pending;
  LIBC(sigpending(&pending));
  printf("pending: %d %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2),
         sigismember(&pending, SIGTERM));
  show("nothing yet");
  block(SIG_UNBLOCK, SIGUSR1, 0);
  show("first");
  block(SIG_SETMASK, 0, 0);
  show("second");
  block(SIG_BLOCK, SIGKILL, SIGSTOP);
  show_mask("not these");
  block(SIG_BLOCK, SIGSEGV, SIGBUS);
  show_mask("faults");
  block(SIG_UNBLOCK, SIGBUS, 0);
  show_mask("one fault");
  block(SIG_SETMASK, 0, 0);
  show_mask("none");
  sigset_t all;
  sigfillset(&all);
  LIBC(sigprocmask(SIG_SETMASK, &all, NULL));
  show_mask("all");
  block(SIG_SETMASK, 0, 0);
}

static void order(void) {
  int signals[] = {SIGHUP, SIGUSR1, SIGTERM, 40, 50};
  sigset_t all;
  sigfillset(&all);
  for (int i = 0; i < 5; i++) install(signals[i], begin_end, 0, 0);
  sigprocmask(SIG_SETMASK, &all, NULL);
  for (int i = 4; i >= 0; i--) raise(signals[i]);
  for (int i = 0; i < 3; i++) raise(40);
  block(SIG_SETMASK, 0, 0);
  show("each handler lets the others through");
  for (int i = 0; i < 5; i++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = begin_end;
    sigfillset(&action.sa_mask);
    sigaction(signals[i], &action, NULL);
  }
  sigprocmask(SIG_SETMASK, &all, NULL);
  for (int i = 4; i >= 0; i--) raise(signals[i]);
  for (int i = 0; i < 3; i++) raise(40);
  block(SIG_SETMASK, 0, 0);
  show("each handler blocks the others");
}

static int depth;
static void nest(int signal) {
  note("(");
  note(name(signal));
  if (depth++ < 3) raise(signal);
  note(")");
}
static void raises_other(int signal) {
  note("[");
  raise(signal == SIGUSR1 ? SIGUSR2 : SIGTERM);
  note("]");
}

static void nesting(void) {
  install(SIGUSR1, nest, SA_NODEFER, 0);
  raise(SIGUSR1);
  show("not deferred");
  depth = 0;
  install(SIGUSR1, nest, 0, 0);
  raise(SIGUSR1);
  show("deferred");
  install(SIGTERM, begin_end, 0, 0);
  install(SIGUSR2, raises_other, 0, SIGTERM);
  install(SIGUSR1, raises_other, 0, 0);
  raise(SIGUSR1);
  show("another in between, which blocks a third");
  install(SIGUSR1, mask_shower, 0, SIGUSR2);
  raise(SIGUSR1);
  install(SIGUSR1, mask_shower, SA_NODEFER, SIGUSR2);
  block(SIG_BLOCK, SIGHUP, 0);
  raise(SIGUSR1);
  show_mask("after");
}

static void reset(void) {
  LIBC(install(SIGUSR1, begin_end, (int)SA_RESETHAND, SIGHUP));
  LIBC(raise(SIGUSR1));
  show("once");
  show_action(SIGUSR1);
  LIBC(install(SIGSEGV, begin_end, (int)SA_RESETHAND, SIGHUP));
  LIBC(raise(SIGSEGV));
  show("once");
  show_action(SIGSEGV);
}

static void informed(int signal, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  printf("%s %s, signo %d, errno %d, code %d", trace, name(signal), info->si_signo == signal,
         info->si_errno, info->si_code);
  if (info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE)
    printf(", from here: %d %d", info->si_pid == getpid(), info->si_uid == getuid());
  if (info->si_code == SI_QUEUE) printf(", value %d", (int)info->si_int);
  printf(", mask before: %d %d\n", sigismember(&uc->uc_sigmask, SIGHUP),
         sigismember(&uc->uc_sigmask, signal));
  // What the handler leaves here is the mask afterwards.
  sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void info(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = informed;
  action.sa_flags = SA_SIGINFO;
  for (int s = SIGHUP; s <= 64; s++)
    if (s == SIGHUP || s == SIGUSR1 || s == SIGSEGV || s == SIGBUS || s == SIGALRM || s == 40)
      sigaction(s, &action, NULL);
  block(SIG_BLOCK, SIGHUP, 0);
  LIBC(kill(getpid(), SIGUSR1));
  show_mask("after");
  LIBC(raise(SIGUSR1));
  LIBC(raw(tgkill, getpid(), gettid(), SIGUSR1));
  union sigval value = {.sival_int = -77};
  LIBC(sigqueue(getpid(), SIGUSR1, value));
  LIBC(sigqueue(getpid(), 40, value));
  LIBC(sigqueue(getpid(), SIGSEGV, value));
  LIBC(kill(getpid(), SIGBUS));
  struct itimerval soon = {.it_value = {.tv_usec = 1000}};
  block(SIG_BLOCK, SIGALRM, 0);
  LIBC(setitimer(ITIMER_REAL, &soon, NULL));
  sigset_t none;
  sigemptyset(&none);
  LIBC(sigsuspend(&none));
  sigprocmask(SIG_SETMASK, &none, NULL);
  // In the order they were sent.
  sigset_t rt;
  sigemptyset(&rt);
  sigaddset(&rt, 40);
  sigprocmask(SIG_BLOCK, &rt, NULL);
  for (int i = 0; i < 4; i++) {
    value.sival_int = i;
    sigqueue(getpid(), 40, value);
  }
  sigprocmask(SIG_UNBLOCK, &rt, NULL);
}

static char memory[65536] __attribute__((aligned(16)));
static void where(int signal) {
  char local;
  volatile char *here = &local;
  int on = here >= memory && here < memory + sizeof memory;
  stack_t stack;
  int result = sigaltstack(NULL, &stack);
  printf("%s on it: %d, %d, flags %x, size %d\n", name(signal), on, result, stack.ss_flags,
         (int)stack.ss_size);
  if (on) LIBC(sigaltstack(&stack, NULL));
  if (signal == SIGUSR1) raise(SIGUSR2);
}

static void stack(void) {
  stack_t old, new = {.ss_sp = memory, .ss_size = sizeof memory};
  LIBC(sigaltstack(NULL, &old));
  printf("flags %x, size %d\n", old.ss_flags, (int)old.ss_size);
  LIBC(sigaltstack(&new, &old));
  printf("flags %x, size %d\n", old.ss_flags, (int)old.ss_size);
  LIBC(sigaltstack(NULL, &old));
  printf("flags %x, size %d, there: %d\n", old.ss_flags, (int)old.ss_size, old.ss_sp == memory);
  install(SIGUSR1, where, SA_ONSTACK, 0);
  install(SIGUSR2, where, SA_ONSTACK, 0);
  raise(SIGUSR1);
  install(SIGUSR1, where, 0, 0);
  raise(SIGUSR1);
  stack_t small = {.ss_sp = memory, .ss_size = 2047};
  LIBC(sigaltstack(&small, NULL));
  stack_t odd = {.ss_sp = memory, .ss_size = sizeof memory, .ss_flags = 4};
  LIBC(sigaltstack(&odd, NULL));
  stack_t disarmed = {.ss_sp = memory, .ss_size = sizeof memory, .ss_flags = (int)SS_AUTODISARM};
  LIBC(sigaltstack(&disarmed, NULL));
  LIBC(sigaltstack(NULL, &old));
  printf("flags %x, size %d\n", old.ss_flags, (int)old.ss_size);
  install(SIGTERM, where, SA_ONSTACK, 0);
  raise(SIGTERM);
  LIBC(sigaltstack(NULL, &old));
  printf("flags %x, size %d\n", old.ss_flags, (int)old.ss_size);
  stack_t none = {.ss_flags = SS_DISABLE};
  LIBC(sigaltstack(&none, NULL));
  LIBC(sigaltstack(NULL, &old));
  printf("flags %x, size %d\n", old.ss_flags, (int)old.ss_size);
  raise(SIGUSR2);
  RAW(raw(sigaltstack, BAD, NULL));
  RAW(raw(sigaltstack, NULL, BAD));
}

// A timer that rings again and again, so that none comes too early to be noticed.
static void repeat(int on) {
  struct itimerval often = {{0, on ? 20000 : 0}, {0, on ? 20000 : 0}};
  setitimer(ITIMER_REAL, &often, NULL);
}

// A signal that was sent while it was blocked, and that the mask lets through.
static void suspended_by(int signal) {
  install(signal, mask_shower, 0, 0);
  block(SIG_BLOCK, signal, 0);
  LIBC(raise(signal));
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGHUP);
  LIBC(sigsuspend(&mask));
  show_mask("after");
}
static void suspend(void) {
  install(SIGUSR1, mask_shower, 0, SIGTERM);
  install(SIGUSR2, begin_end, 0, 0);
  block(SIG_BLOCK, SIGUSR1, SIGUSR2);
  LIBC(raise(SIGUSR1));
  LIBC(raise(SIGUSR2));
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  sigaddset(&mask, SIGHUP);
  LIBC(sigsuspend(&mask));
  show("only the first");
  show_mask("after");
  sigemptyset(&mask);
  LIBC(sigsuspend(&mask));
  show("the second");
  struct itimerval soon = {.it_value = {.tv_usec = 20000}};
  install(SIGALRM, begin_end, SA_RESTART, 0);
  block(SIG_BLOCK, SIGALRM, 0);
  setitimer(ITIMER_REAL, &soon, NULL);
  LIBC(sigsuspend(&mask));
  show("one that came later");
  block(SIG_UNBLOCK, SIGALRM, 0);
  repeat(1);
  LIBC(pause());
  repeat(0);
  trace[0] = 0;
  suspended_by(SIGQUIT);
  RAW(raw(rt_sigsuspend, BAD, 8));
  RAW(raw(rt_sigsuspend, (void *)&mask, 128));
}
static void suspend_fault(void) { suspended_by(SIGSEGV); }

// Of three that are pending, one of them like any other or a fault's.
static void waits(int third) {
  sigset_t set;
  siginfo_t info;
  struct timespec zero = {0, 0}, some = {0, 20000000};
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, third);
  sigaddset(&set, 40);
  LIBC(sigprocmask(SIG_BLOCK, &set, NULL));
  LIBC(sigtimedwait(&set, &info, &zero));
  LIBC(sigtimedwait(&set, &info, &some));
  union sigval value = {.sival_int = 123456789};
  LIBC(sigqueue(getpid(), 40, value));
  LIBC(kill(getpid(), SIGUSR1));
  LIBC(kill(getpid(), third));
  for (int i = 0; i < 3; i++) {
    memset(&info, 0xff, sizeof info);
    LIBC(sigtimedwait(&set, &info, NULL));
    printf("signo %d, errno %d, code %d, pid %d, uid %d\n", info.si_signo, info.si_errno,
           info.si_code, info.si_pid == getpid(), info.si_uid == getuid());
    if (info.si_code == SI_QUEUE) printf("value %d\n", (int)info.si_int);
  }
}
static void timedwait_fault(void) { waits(SIGSEGV); }
static void timedwait(void) {
  waits(SIGQUIT);
  sigset_t set;
  siginfo_t info;
  struct timespec zero = {0, 0};
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  LIBC(raise(SIGUSR1));
  LIBC(sigtimedwait(&set, NULL, NULL));
  // A signal with a handler that is not waited for.
  install(SIGALRM, begin_end, SA_RESTART, 0);
  repeat(1);
  LIBC(sigtimedwait(&set, &info, NULL));
  repeat(0);
  CHECK(trace[0] != 0);
  trace[0] = 0;
  struct timespec odd = {0, 1000000000};
  LIBC(sigtimedwait(&set, &info, &odd));
  RAW(raw(rt_sigtimedwait, BAD, NULL, &zero, 8));
  RAW(raw(rt_sigtimedwait, (void *)&set, NULL, BAD, 8));
  RAW(raw(rt_sigtimedwait, (void *)&set, NULL, &zero, 7));
  raise(SIGUSR1);
  RAW(raw(rt_sigtimedwait, (void *)&set, BAD, &zero, 8));
}

static void faults_sent(void) {
  int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  for (int i = 0; i < 4; i++) {
    install(signals[i], begin_end, 0, 0);
    LIBC(raise(signals[i]));
    show("handled");
    LIBC(kill(getpid(), signals[i]));
    show("handled");
    block(SIG_BLOCK, signals[i], 0);
    LIBC(raise(signals[i]));
    LIBC(raise(signals[i]));
    show("blocked");
    sigset_t pending;
    sigpending(&pending);
    printf("pending: %d\n", sigismember(&pending, signals[i]));
    block(SIG_UNBLOCK, signals[i], 0);
    show("unblocked");
    block(SIG_BLOCK, signals[i], 0);
    LIBC(raise(signals[i]));
    install(signals[i], SIG_IGN, 0, 0);
    block(SIG_UNBLOCK, signals[i], 0);
    install(signals[i], begin_end, 0, 0);
    show("ignored meanwhile");
  }
}

static char *volatile guarded;
static void mends(int signal, siginfo_t *info, void *context) {
  (void)context;
  count++;
  printf("%s at the page: %d\n", name(signal),
         (char *)(uintptr_t)info->si_addr - (char *)guarded == 5);
  mprotect(guarded, 4096, PROT_READ | PROT_WRITE);
}
static void leaves(int signal, siginfo_t *info, void *context) {
  (void)info, (void)context;
  printf("%s: leaving\n", name(signal));
  show_mask("mask");
  fflush(stdout);
  _exit(9);
}

static void faults_raised(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = mends;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, NULL);
  guarded = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  guarded[5] = 'x';
  printf("written after all: %c, %d fault\n", guarded[5], count);
  action.sa_sigaction = leaves;
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  fflush(stdout);
  for (int kind = 0; kind < 2; kind++) {
    pid_t child = fork();
    if (child == 0) {
      if (kind == 0) guarded[4096 * 3] = mprotect(guarded, 4096, PROT_NONE), guarded[0] = 1;
      ILLEGAL();
    }
    int status;
    waitpid(child, &status, 0);
    printf("exited %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
    fflush(stdout);
  }
}

static void count_up(int signal) { (void)signal, count++; }
static void loop(void) {
  // Nothing but a loop, in which a timer's handler changes a variable.
  install(SIGALRM, count_up, 0, 0);
  struct itimerval often = {.it_interval = {.tv_usec = 1000}, .it_value = {.tv_usec = 1000}};
  setitimer(ITIMER_REAL, &often, NULL);
  unsigned long long turns = 0;
  while (count < 20) turns++;
  struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
  printf("twenty times: %d\n", count >= 20 && turns > 0);
}

static void errors(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  sigset_t set;
  sigemptyset(&set);
  RAW(raw(rt_sigaction, SIGUSR1, (void *)&action, NULL, 128));
  RAW(raw(rt_sigaction, SIGUSR1, NULL, NULL, 0));
  RAW(raw(rt_sigaction, SIGUSR1, BAD, NULL, 8));
  RAW(raw(rt_sigaction, SIGUSR1, NULL, BAD, 8));
  RAW(raw(rt_sigaction, 65, BAD, NULL, 8));
  RAW(raw(rt_sigaction, 65, NULL, BAD, 8));
  RAW(raw(rt_sigaction, 65, NULL, NULL, 8));
  RAW(raw(rt_sigprocmask, SIG_BLOCK, (void *)&set, NULL, 128));
  RAW(raw(rt_sigprocmask, 7, (void *)&set, NULL, 8));
  RAW(raw(rt_sigprocmask, 7, NULL, NULL, 8));
  RAW(raw(rt_sigprocmask, 7, BAD, NULL, 8));
  RAW(raw(rt_sigprocmask, SIG_BLOCK, NULL, BAD, 8));
  RAW(raw(rt_sigpending, BAD, 8));
  RAW(raw(rt_sigpending, (void *)&set, 9));
  RAW(raw(rt_sigpending, (void *)&set, 4));
  RAW(raw(rt_sigpending, (void *)&set, 0));
  RAW(raw(kill, getpid(), 0));
  RAW(raw(kill, getpid(), 65));
  RAW(raw(kill, getpid(), -1));
  RAW(raw(kill, 0x7fffffff, 0));
  RAW(raw(tkill, -1, 0));
  RAW(raw(tkill, gettid(), 65));
  RAW(raw(tgkill, getpid(), -1, 0));
  RAW(raw(tgkill, 0, gettid(), 0));
  RAW(raw(rt_sigqueueinfo, getpid(), SIGUSR1, BAD));
  RAW(raw(rt_sigqueueinfo, getpid(), 65, (void *)&set));
  // What whoever started this program left to be made again is forgotten when a handler returns.
  install(SIGURG, begin_end, 0, 0);
  raise(SIGURG);
  trace[0] = 0;
  RAW(raw(restart_syscall));
  int fd = (int)raw(pidfd_open, getpid(), 0);
  CHECK(fd >= 0);
  RAW(raw(pidfd_send_signal, fd, 0, NULL, 0));
  RAW(raw(pidfd_send_signal, fd, 65, NULL, 0));
  RAW(raw(pidfd_send_signal, fd, 0, BAD, 0));
  RAW(raw(pidfd_send_signal, fd, 0, NULL, 0x100));
  RAW(raw(pidfd_send_signal, -1, 0, NULL, 0));
  install(SIGUSR1, begin_end, 0, 0);
  RAW(raw(pidfd_send_signal, fd, SIGUSR1, NULL, 0));
  show("by descriptor");
  RAW(raw(pidfd_open, -1, 0));
  RAW(raw(pidfd_open, getpid(), 0x40000000));
}

// Parents see what signals do to children that do nothing about them.
static void dies_of_fault(void) {
  int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
                   SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGIO, 40};
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
    pid_t child = fork();
    if (child == 0) {
      raise(signals[i]);
      _exit(3);
    }
    int status;
    waitpid(child, &status, 0);
    printf("%d: %x\n", signals[i], status);
    fflush(stdout);
  }
  // Blocked and pending, then let through.
  for (int i = 0; i < 2; i++) {
    pid_t child = fork();
    if (child == 0) {
      int signal = i ? SIGSEGV : SIGTERM;
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, signal);
      sigprocmask(SIG_BLOCK, &set, NULL);
      raise(signal);
      sigprocmask(SIG_UNBLOCK, &set, NULL);
      _exit(3);
    }
    int status;
    waitpid(child, &status, 0);
    printf("let through: %x\n", status);
    fflush(stdout);
  }
  // A handler that puts the default back and sends the signal again.
  pid_t child = fork();
  if (child == 0) {
    install(SIGSEGV, begin_end, (int)SA_RESETHAND, 0);
    raise(SIGSEGV);
    raise(SIGSEGV);
    _exit(3);
  }
  int status;
  waitpid(child, &status, 0);
  printf("second time: %x\n", status);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"actions", actions},         {"masks", masks},       {"order", order},
      {"nesting", nesting},         {"reset", reset},       {"info", info},
      {"stack", stack},             {"suspend", suspend},   {"suspend_fault", suspend_fault},   {"timedwait", timedwait}, {"timedwait_fault", timedwait_fault},
      {"faults_sent", faults_sent}, {"loop", loop},         {"faults_raised", faults_raised},
      {"errors", errors},           {"dies_of_fault", dies_of_fault},
  };
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
