// Handlers' frames: on which stack, below what the interrupted function uses, nested, too many,
// never returning, jumping at nothing; and the ends of programs that do it wrong.
//
// cases:
//   red_zone: { args: [red_zone] }
//   locals: { args: [locals] }
//   stacks: { args: [stacks] }
//   sizes: { args: [sizes] }
//   odd_stacks: { args: [odd_stacks] }
//   overflow: { args: [overflow] }
//   nesting: { args: [nesting] }
//   flood: { args: [flood] }
//   numbers: { args: [numbers] }
//   never_returns: { args: [never_returns] }
//   from_handlers: { args: [from_handlers] }
//   faulting: { args: [faulting] }
//   casts: { args: [casts] }
//   masks: { args: [masks] }
//   itself: { args: [itself] }
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static volatile int handled;
static void counts(int signal) { (void)signal, handled++; }
static int install(int signal, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  return sigaction(signal, &action, NULL);
}
static int inform(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  return sigaction(signal, &action, NULL);
}
// Has SIGALRM come so soon; 0 for not at all. Its handler asks for the next at its end: where it
// takes longer than that, nothing else would get on.
static volatile int period;
static void soon(int microseconds) {
  struct itimerval time = {{0, 0}, {0, microseconds}};
  period = microseconds;
  setitimer(ITIMER_REAL, &time, NULL);
}
static void block(int how, int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  sigprocmask(how, &set, NULL);
}
static const char *ended(int status) {
  static char text[64];
  if (WIFEXITED(status)) snprintf(text, sizeof text, "exited %d", WEXITSTATUS(status));
  else if (WIFSIGNALED(status)) snprintf(text, sizeof text, "killed by %d", WTERMSIG(status));
  else snprintf(text, sizeof text, "%x", status);
  return text;
}
// A child that is not to say why it ended, and no file to tell.
static void child(const char *what, void (*does)(void)) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, 2);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    does();
    fflush(stdout);
    _exit(77);
  }
  int status;
  while (waitpid(pid, &status, 0) < 0) {}
  printf("%s: %s\n", what, ended(status));
}

// A leaf that keeps its variables below the stack pointer, while handlers come and go that use
// the stack for what they do.
static volatile char garbage;
static void scribbles(int signal) {
  (void)signal;
  volatile char room[4096];
  for (unsigned i = 0; i < sizeof room; i++) room[i] = (char)0xa5;
  garbage = room[77];
  handled++;
  if (period) soon(period);
}
static void scribbles_informed(int signal, siginfo_t *info, void *context) {
  (void)info, (void)context;
  scribbles(signal);
}
static __attribute__((noinline)) unsigned leaf(unsigned rounds) {
  volatile unsigned a[20];
  for (unsigned i = 0; i < 20; i++) a[i] = i * 3;
  unsigned wrong = 0;
  for (unsigned r = 0; r < rounds; r++)
    for (unsigned i = 0; i < 20; i++) wrong += a[i] != i * 3;
  return wrong;
}
static void red_zone(void) {
  for (int kind = 0; kind < 2; kind++) {
    if (kind) inform(SIGALRM, scribbles_informed, 0);
    else install(SIGALRM, scribbles, 0);
    handled = 0;
    soon(100);
    unsigned wrong = 0;
    while (handled < 500) wrong += leaf(50);
    soon(0);
    printf("wrong: %u\n", wrong);
  }
}
// Arithmetic of every width is not disturbed either.
static void locals(void) {
  inform(SIGALRM, scribbles_informed, 0);
  soon(100);
  unsigned long long first = 0;
  double first_sum = 0;
  int same = 1;
  for (int round = 0; handled < 300; round++) {
    unsigned long long x = 88172645463325252ull;
    double sum = 0;
    for (int i = 0; i < 2000; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      sum += (double)(unsigned)x / 3 - (float)(x >> 40);
    }
    if (round == 0) first = x, first_sum = sum;
    same &= x == first && sum == first_sum;
  }
  soon(0);
  printf("same: %d\n", same);
}

static char memory[65536] __attribute__((aligned(16)));
static int is_on(void) {
  char here;
  volatile char *at = &here;
  return at >= memory && at < memory + sizeof memory;
}
static void shows(int signal) {
  stack_t now;
  sigaltstack(NULL, &now);
  printf("%d: on it %d, flags %x, all of it %d\n", signal, is_on(), now.ss_flags, now.ss_size == sizeof memory);
  if (signal == SIGUSR1) raise(SIGUSR2);
  if (signal == SIGTERM) {
    stack_t none = {.ss_flags = SS_DISABLE};
    LIBC(sigaltstack(&none, NULL));
    sigaltstack(NULL, &now);
    printf("flags %x\n", now.ss_flags);
  }
}
static void shows_context(int signal, siginfo_t *info, void *context) {
  (void)info;
  ucontext_t *uc = context;
  printf("%d: in the context: flags %x, all of it %d\n", signal, uc->uc_stack.ss_flags, uc->uc_stack.ss_size == sizeof memory);
}
static void stacks(void) {
  stack_t on = {.ss_sp = memory, .ss_size = sizeof memory}, now;
  int kinds[] = {0, SS_ONSTACK, (int)SS_AUTODISARM, (int)SS_AUTODISARM | SS_ONSTACK};
  for (int i = 0; i < 4; i++) {
    on.ss_flags = kinds[i];
    LIBC(sigaltstack(&on, NULL));
    sigaltstack(NULL, &now);
    printf("kind %x, flags %x\n", kinds[i], now.ss_flags);
    install(SIGUSR1, shows, SA_ONSTACK), install(SIGUSR2, shows, SA_ONSTACK);
    raise(SIGUSR1);
    install(SIGUSR2, shows, 0);
    raise(SIGUSR1);
    install(SIGUSR1, shows, 0), install(SIGUSR2, shows, SA_ONSTACK);
    raise(SIGUSR1);
    install(SIGTERM, shows, SA_ONSTACK);
    raise(SIGTERM);
    install(SIGTERM, shows, 0);
    raise(SIGTERM);
    sigaltstack(NULL, &now);
    printf("afterwards flags %x, all of it %d\n", now.ss_flags, now.ss_size == sizeof memory);
    sigaltstack(&on, NULL);
    inform(SIGHUP, shows_context, SA_ONSTACK);
    raise(SIGHUP);
    stack_t none = {.ss_sp = memory, .ss_size = 7, .ss_flags = SS_DISABLE};
    LIBC(sigaltstack(&none, &now));
    LIBC(sigaltstack(NULL, &now));
    printf("flags %x, size %d, address %d\n", now.ss_flags, (int)now.ss_size, now.ss_sp != NULL);
    raise(SIGUSR1);
    raise(SIGHUP);
  }
}
static void sizes(void) {
  size_t of[] = {0, 1, 2047, 2048, 2049, sizeof memory};
  int flags[] = {0, SS_ONSTACK, SS_DISABLE, 3, 4, 8, (int)SS_AUTODISARM, (int)SS_AUTODISARM | SS_DISABLE, 0x100};
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 9; j++) {
      stack_t stack = {.ss_sp = memory, .ss_size = of[i], .ss_flags = flags[j]}, now;
      printf("size %d, flags %x: %s", (int)of[i], flags[j], libc_outcome(sigaltstack(&stack, NULL)));
      sigaltstack(NULL, &now);
      printf(", flags %x, size %d\n", now.ss_flags, (int)now.ss_size);
    }
}

// Stacks at bad places: the kernel cannot make a frame, which is a fault.
static stack_t odd;
static void uses_odd(void) {
  if (sigaltstack(&odd, NULL) != 0) _exit(errno);
  install(SIGUSR1, counts, SA_ONSTACK);
  raise(SIGUSR1);
  _exit(handled == 1 ? 3 : 4);
}
static void odd_stacks(void) {
  char *page = mmap(NULL, 16384, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *readable = mmap(NULL, 16384, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *fine = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  odd = (stack_t){.ss_sp = page, .ss_size = 16384};
  child("no access", uses_odd);
  odd.ss_sp = readable;
  child("read only", uses_odd);
  odd = (stack_t){.ss_sp = fine + 1, .ss_size = 65501};
  child("unaligned", uses_odd);
  odd = (stack_t){.ss_sp = fine, .ss_size = 65536};
  child("whole", uses_odd);
  munmap(fine, 65536);
  child("unmapped", uses_odd);
}

// Too deep: the handler has a stack of its own.
static void survives(int signal, siginfo_t *info, void *context) {
  (void)info, (void)context;
  printf("%d on the stack for handlers: %d\n", signal, is_on());
  fflush(stdout);
  _exit(5);
}
static __attribute__((noinline)) unsigned deep(unsigned n) {
  return n == 0 ? 0 : deep(n + 1 + (unsigned)handled) * 3 + n;
}
static void too_deep(void) { _exit((int)deep(1)); }
static void too_deep_handled(void) {
  stack_t on = {.ss_sp = memory, .ss_size = sizeof memory};
  sigaltstack(&on, NULL);
  inform(SIGSEGV, survives, SA_ONSTACK);
  too_deep();
}
static void too_deep_without_stack(void) {
  inform(SIGSEGV, survives, 0);
  too_deep();
}
static void overflow(void) {
  child("nothing", too_deep);
  child("with a stack", too_deep_handled);
  child("without", too_deep_without_stack);
}

static volatile int depth, most;
static void again(int signal) {
  depth++;
  if (depth > most) most = depth;
  if (depth < 60) raise(signal);
  depth--;
}
static void hundreds(int signal) {
  depth++;
  if (depth > most) most = depth;
  if (depth < 300) raise(signal);
  depth--;
}
static void forever(int signal) { raise(signal); }
static void for_ever(void) {
  install(SIGUSR1, forever, SA_NODEFER);
  raise(SIGUSR1);
}
static void nesting(void) {
  install(SIGUSR1, again, SA_NODEFER);
  raise(SIGUSR1);
  printf("nested %d\n", most);
  most = 0;
  // As deep as programs have it.
  install(SIGUSR1, hundreds, SA_NODEFER);
  raise(SIGUSR1);
  printf("nested %d\n", most);
  child("without end", for_ever);
}

static int last_value, out_of_order;
static void in_order(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  out_of_order += (int)info->si_int != last_value + 1;
  last_value = (int)info->si_int;
  handled++;
}
static void flood(void) {
  // Another process sends as fast as it can; nothing is lost that was taken.
  inform(40, in_order, 0);
  last_value = -1;
  volatile int *sent = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t target = getpid();
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    for (int i = 0; i < 20000; i++) {
      union sigval value = {.sival_int = i};
      while (sigqueue(target, 40, value) != 0) raw(sched_yield);
      sent[0]++;
    }
    sent[1] = 1;
    _exit(0);
  }
  for (volatile unsigned turns = 0; !sent[1] || handled < sent[0]; turns++) {}
  int status;
  while (waitpid(pid, &status, 0) < 0) {}
  printf("handled %d, out of order %d\n", handled, out_of_order);
}

static void numbers(void) {
  for (int s = -2; s <= 67; s++) {
    // glibc keeps two for itself.
    if (s == 32 || s == 33) continue;
    struct sigaction old;
    int result = install(s, counts, SA_RESTART);
    const char *text = libc_outcome(result);
    printf("%d: %s, %s", s, text, libc_outcome(sigaction(s, NULL, &old)));
    handled = 0;
    if (result == 0) raise(s);
    printf(", handled %d", handled);
    printf(", ignored %s", libc_outcome(install(s, SIG_IGN, 0)));
    if (s > 0 && s != SIGKILL && s != SIGSTOP && s < 65) raise(s);
    printf(", default %s\n", libc_outcome(install(s, SIG_DFL, 0)));
  }
}

static volatile int *shared;
static void stays(int signal) {
  (void)signal;
  shared[0] = 1;
  for (;;) {}
}
static void stays_waiting(int signal) {
  (void)signal;
  shared[0] = 1;
  for (;;) pause();
}
static void never_returns(void) {
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  void (*handlers[])(int) = {stays, stays_waiting};
  int kills[] = {SIGTERM, SIGKILL, SIGSEGV, SIGQUIT};
  fflush(stdout);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 4; j++) {
      shared[0] = 0;
      pid_t pid = fork();
      if (pid == 0) {
        install(SIGUSR1, handlers[i], 0);
        raise(SIGUSR1);
        _exit(1);
      }
      while (!shared[0]) raw(sched_yield);
      kill(pid, SIGUSR1);
      kill(pid, SIGSTOP);
      int status;
      waitpid(pid, &status, WUNTRACED);
      kill(pid, SIGCONT);
      kill(pid, kills[j]);
      waitpid(pid, &status, 0);
      printf("%d: %s\n", kills[j], ended(status));
    }
}

static int stage;
static void forks(int signal) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    // The child is in the handler, too, and returns from it.
    stage = 2;
    return;
  }
  int status;
  while (waitpid(pid, &status, 0) < 0) {}
  printf("%d: child %s\n", signal, ended(status));
}
static void exits(int signal) { _exit(signal); }
static void runs(int signal) {
  (void)signal;
  char *arguments[] = {"/bin/sh", "-c", "exit 9", NULL};
  execve(arguments[0], arguments, NULL);
  _exit(1);
}
static void exits_in_handler(void) { install(SIGUSR1, exits, 0), raise(SIGUSR1); }
static void runs_in_handler(void) { install(SIGUSR1, runs, 0), raise(SIGUSR1); }
static void changes(int signal) {
  (void)signal;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  printf("let through in the handler: %d\n", handled);
  install(SIGUSR1, SIG_DFL, 0);
}
static void from_handlers(void) {
  install(SIGUSR1, forks, 0);
  raise(SIGUSR1);
  if (stage == 2) {
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    _exit(sigismember(&now, SIGUSR1) ? 1 : 42);
  }
  child("exits", exits_in_handler);
  child("runs", runs_in_handler);
  install(SIGUSR2, counts, 0);
  install(SIGUSR1, changes, 0);
  block(SIG_BLOCK, SIGUSR2);
  raise(SIGUSR2);
  raise(SIGUSR1);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  printf("blocked again: %d\n", sigismember(&now, SIGUSR2));
}

static volatile char *nothing;
static void faults(int signal) {
  (void)signal;
  nothing[0] = 1;
}
static void fault_twice(void) {
  install(SIGSEGV, faults, 0);
  nothing[0] = 1;
}
static void fault_for_ever(void) {
  install(SIGSEGV, faults, SA_NODEFER);
  nothing[0] = 1;
}
static void fault_blocked(void) {
  install(SIGSEGV, counts, 0);
  block(SIG_BLOCK, SIGSEGV);
  nothing[0] = 1;
}
static void fault_ignored(void) {
  install(SIGSEGV, SIG_IGN, 0);
  nothing[0] = 1;
}
static void fault_once(void) {
  install(SIGSEGV, exits, (int)SA_RESETHAND);
  nothing[0] = 1;
}
static void fault_reset(void) {
  install(SIGSEGV, counts, (int)SA_RESETHAND);
  nothing[0] = 1;
}
static void trap_handled(void) {
  install(SIGILL, exits, 0);
  ILLEGAL();
}
static void trap_blocked(void) {
  install(SIGILL, exits, 0);
  block(SIG_BLOCK, SIGILL);
  ILLEGAL();
}
static void trap_ignored(void) {
  install(SIGILL, SIG_IGN, 0);
  ILLEGAL();
}
static void divides_handled(void) {
  install(SIGFPE, exits, 0);
  divide_by_zero();
}
static void divides_ignored(void) {
  install(SIGFPE, SIG_IGN, 0);
  divide_by_zero();
}
static void beyond_file(void) {
  int fd = open("short", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 100);
  volatile char *at = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
  _exit(at[6000]);
}
static void beyond_file_handled(void) {
  install(SIGBUS, exits, 0);
  beyond_file();
}
// Handlers that are no functions.
static void no_function(void) {
  install(SIGUSR1, (void (*)(int))(uintptr_t)0x123456, 0);
  raise(SIGUSR1);
}
static void no_function_handled(void) {
  install(SIGSEGV, exits, 0);
  no_function();
}
static void no_function_for_faults(void) {
  install(SIGSEGV, (void (*)(int))(uintptr_t)0x123456, 0);
  nothing[0] = 1;
}
static void sent_and_faulting(void) {
  // One that was sent is pending when another is raised.
  install(SIGSEGV, counts, 0);
  block(SIG_BLOCK, SIGSEGV);
  raise(SIGSEGV);
  nothing[0] = 1;
}
static void faulting(void) {
  nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  child("twice", fault_twice);
  child("for ever", fault_for_ever);
  child("blocked", fault_blocked);
  child("ignored", fault_ignored);
  child("once", fault_once);
  child("reset", fault_reset);
  child("trap", trap_handled);
  child("trap, blocked", trap_blocked);
  child("trap, ignored", trap_ignored);
  child("division", divide_by_zero);
  child("division, handled", divides_handled);
  child("division, ignored", divides_ignored);
  child("beyond a file", beyond_file);
  child("beyond a file, handled", beyond_file_handled);
  child("sent and raised", sent_and_faulting);
  child("no function", no_function);
  child("no function, handled", no_function_handled);
  child("no function for faults", no_function_for_faults);
}

// Handlers of other types than C has for them, which native programs get away with.
static void without(void) { handled += 1; }
static int with_result(int signal) { return handled += signal; }
static void with_two(int signal, siginfo_t *info) { handled += signal == info->si_signo ? 100 : 7; }
static void casts(void) {
  install(SIGUSR1, (void (*)(int))(uintptr_t)without, 0);
  raise(SIGUSR1);
  printf("%d\n", handled);
  install(SIGUSR1, (void (*)(int))(uintptr_t)with_result, 0);
  raise(SIGUSR1);
  printf("%d\n", handled);
  inform(SIGUSR1, (void (*)(int, siginfo_t *, void *))(uintptr_t)with_two, 0);
  raise(SIGUSR1);
  printf("%d\n", handled);
  // One with information is told even without having asked for it.
  install(SIGUSR1, (void (*)(int))(uintptr_t)scribbles_informed, 0);
  raise(SIGUSR1);
  printf("%d\n", handled);
  inform(SIGUSR1, (void (*)(int, siginfo_t *, void *))(uintptr_t)counts, 0);
  raise(SIGUSR1);
  printf("%d\n", handled);
}

static void tells(int signal) {
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  printf("%d blocks", signal);
  for (int s = 1; s <= 64; s++)
    if (sigismember(&now, s) && s != 32 && s != 33) printf(" %d", s);
  printf("\n");
  if (depth++ > 5) return;
  if (signal == SIGHUP) raise(SIGINT);
  if (signal == SIGINT) raise(SIGHUP), raise(SIGTERM);
}
static void masks(void) {
  struct sigaction action;
  for (int flags = 0; flags < 4; flags++) {
    memset(&action, 0, sizeof action);
    action.sa_handler = tells;
    action.sa_flags = (flags & 1 ? SA_NODEFER : 0) | (flags & 2 ? (int)SA_RESETHAND : 0);
    sigaddset(&action.sa_mask, SIGUSR1), sigaddset(&action.sa_mask, SIGKILL);
    sigaction(SIGHUP, &action, NULL);
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGTERM), sigaddset(&action.sa_mask, SIGHUP);
    sigaction(SIGINT, &action, NULL);
    sigfillset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    printf("flags %d\n", flags);
    depth = 0;
    block(SIG_BLOCK, 50);
    if (flags < 2) raise(SIGHUP);
    else raise(SIGTERM);
    // What is blocked already may be blocked again, and how must be one of three.
    block(SIG_BLOCK, 50);
    RAW(raw(rt_sigprocmask, 3, (void *)&action.sa_mask, NULL, 8));
    RAW(raw(rt_sigprocmask, -1, (void *)&action.sa_mask, NULL, 8));
    block(SIG_UNBLOCK, 50);
  }
}

// What is sent to oneself has been handled when the call returns.
static void itself(void) {
  int signals[] = {SIGUSR1, SIGSEGV, SIGBUS, 40};
  int missed = 0;
  for (int i = 0; i < 4; i++) {
    install(signals[i], counts, 0);
    for (int j = 0; j < 300; j++) {
      handled = 0;
      if (j % 4 == 0) kill(getpid(), signals[i]);
      if (j % 4 == 1) raise(signals[i]);
      if (j % 4 == 2) raw(tgkill, getpid(), gettid(), signals[i]);
      if (j % 4 == 3) sigqueue(getpid(), signals[i], (union sigval){.sival_int = 1});
      missed += handled != 1;
    }
  }
  printf("missed %d\n", missed);
  // To the group and to everyone: the sender is one of them.
  setpgid(0, 0);
  handled = 0;
  kill(0, SIGUSR1);
  printf("%d\n", handled);
  kill(-getpid(), SIGUSR1);
  printf("%d\n", handled);
  RAW(raw(kill, -0x7ffffff0, SIGUSR1));
  RAW(raw(kill, getpid(), 0));
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"red_zone", red_zone}, {"locals", locals}, {"stacks", stacks}, {"sizes", sizes},
      {"odd_stacks", odd_stacks}, {"overflow", overflow}, {"nesting", nesting}, {"flood", flood},
      {"numbers", numbers}, {"never_returns", never_returns},
      {"from_handlers", from_handlers}, {"faulting", faulting}, {"casts", casts},
      {"masks", masks}, {"itself", itself},
  };
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
