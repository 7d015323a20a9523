// Signals and threads: who gets which, under which mask.
//
// cases:
//   directed: { args: [directed] }
//   process: { args: [process] }
//   waiting: { args: [waiting] }
//   inherited: { args: [inherited] }
//   interrupts: { args: [interrupts] }
//   everybody: { args: [everybody] }
//   storm: { args: [storm] }
//   after_main: { args: [after_main] }
//   gone: { args: [gone] }
//   actions: { args: [actions] }
//   pending: { args: [pending] }
#include <sys/time.h>

#include "threads.h"

static _Thread_local int me = -1;
static _Thread_local unsigned got;
static unsigned counts[10], seen, forever, ready;
static int tids[10];

static void counts_one(int signal) {
  (void)signal;
  got++;
  if (me >= 0) ADD(&counts[me], 1);
  count_up(&seen);
}
static void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigaction(signal, &action, NULL);
}
static void mask(int how, int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(how, &set, NULL);
}

static int busy_one;
static void *numbered(void *argument) {
  me = (int)(intptr_t)argument;
  tids[me] = gettid();
  count_up(&ready);
  if (me % 2 && busy_one) {
    while (!LOAD(&forever)) {
    }
  }
  wait_while(&forever, 0);
  return (void *)(uintptr_t)got;
}

static void directed(void) {
  pthread_t threads[8];
  handle(SIGUSR1, counts_one, SA_RESTART);
  busy_one = 1;
  for (intptr_t i = 0; i < 8; i++) threads[i] = start(numbered, (void *)i);
  wait_for(&ready, 8);
  for (unsigned i = 0; i < 200; i++) {
    unsigned to = i * 5 % 7;
    if (i % 2)
      pthread_kill(threads[to], SIGUSR1);
    else
      raw(tgkill, getpid(), tids[to], SIGUSR1);
    wait_for(&seen, i + 1);
  }
  for (int i = 0; i < 8; i++) printf("%u ", LOAD(&counts[i]));
  tell(&forever, 1);
  for (int i = 0; i < 8; i++) printf("%u ", (unsigned)(uintptr_t)join(threads[i]));
  printf("\n");
}

// A signal to the process goes to the one that does not block it.
static void *alone_unblocked(void *argument) {
  mask(SIG_UNBLOCK, SIGUSR1);
  return numbered(argument);
}
static void process(void) {
  pthread_t threads[6];
  handle(SIGUSR1, counts_one, SA_RESTART);
  mask(SIG_BLOCK, SIGUSR1);
  for (intptr_t i = 0; i < 6; i++) threads[i] = start(i == 4 ? alone_unblocked : numbered, (void *)i);
  wait_for(&ready, 6);
  for (unsigned i = 0; i < 50; i++) {
    kill(getpid(), SIGUSR1);
    wait_for(&seen, i + 1);
  }
  for (int i = 0; i < 6; i++) printf("%u ", LOAD(&counts[i]));
  tell(&forever, 1);
  for (int i = 0; i < 6; i++) join(threads[i]);
  // Nobody takes it: it waits for somebody who does.
  kill(getpid(), SIGUSR1);
  CHECK(seen == 50);
  STORE(&forever, 0);
  pthread_t thread = start(alone_unblocked, (void *)4);
  wait_for(&seen, 51);
  printf("%u\n", counts[4]);
  tell(&forever, 1);
  join(thread);
}

static void *waits_for_signals(void *argument) {
  sigset_t set;
  int signal, sum = 0;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  do {
    if (sigwait(&set, &signal) == 0) sum += signal == SIGUSR1;
    ADD(&seen, 1);
    FUTEX(&seen, FUTEX_WAKE, 1, 0, 0, 0);
  } while (signal != SIGUSR2);
  return (char *)argument + sum;
}
static void waiting(void) {
  mask(SIG_BLOCK, SIGUSR1);
  mask(SIG_BLOCK, SIGUSR2);
  pthread_t threads[4], waiter = start(waits_for_signals, NULL);
  for (intptr_t i = 0; i < 4; i++) threads[i] = start(numbered, (void *)i);
  for (unsigned i = 0; i < 50; i++) {
    if (i % 2)
      pthread_kill(waiter, SIGUSR1);
    else
      kill(getpid(), SIGUSR1);
    wait_for(&seen, i + 1);
  }
  kill(getpid(), SIGUSR2);
  printf("%d\n", (int)(intptr_t)join(waiter));
  tell(&forever, 1);
  for (int i = 0; i < 4; i++) join(threads[i]);
}

static char stack[65536];
static void *shows_what_it_has(void *argument) {
  sigset_t set;
  stack_t alternate;
  pthread_sigmask(SIG_SETMASK, NULL, &set);
  for (int signal = 1; signal <= 64; signal++)
    if (sigismember(&set, signal) == 1 && signal != 32 && signal != 33) printf("%d ", signal);
  sigpending(&set);
  printf("pending %d %d, ", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
  sigaltstack(NULL, &alternate);
  printf("no stack: %d\n", alternate.ss_flags == SS_DISABLE);
  return argument;
}
static void inherited(void) {
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, NULL);
  join(start(shows_what_it_has, NULL));
  int some[] = {SIGUSR1, SIGUSR2, SIGSEGV, SIGBUS, SIGTERM, 34, 64};
  for (unsigned i = 0; i < sizeof some / sizeof *some; i++) mask(SIG_BLOCK, some[i]);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR2);
  join(start(shows_what_it_has, NULL));
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  join(start(shows_what_it_has, NULL));
}

static int pipes[2];
static unsigned ended;
static void *reads(void *argument) {
  char byte;
  tids[0] = gettid();
  count_up(&ready);
  ssize_t n = read(pipes[0], &byte, 1);
  printf("read: %s\n", n < 0 ? error_name(errno) : "data");
  count_up(&ended);
  return argument;
}
static void interrupts(void) {
  if (pipe(pipes) != 0) die("pipe");
  handle(SIGUSR1, counts_one, 0);
  handle(SIGUSR2, counts_one, SA_RESTART);
  pthread_t other = start(numbered, (void *)3);
  wait_for(&ready, 1);
  for (int i = 0; i < 20; i++) {
    pthread_t thread = start(reads, NULL);
    wait_for(&ready, 2 + (unsigned)i);
    if (i % 2) {
      unsigned before = LOAD(&seen);
      wait_until_asleep(tids[0]);
      pthread_kill(thread, SIGUSR2);
      wait_while(&seen, before);
      write(pipes[1], "x", 1);
    } else {
      interrupt_until(&ended, (unsigned)i, thread, tids[0], SIGUSR1);
    }
    join(thread);
  }
  printf("%u others\n", counts[3]);
  tell(&forever, 1);
  join(other);
}

// As some libraries change the ids of all threads: each is stopped in a handler.
static unsigned inside, leave_now;
static void stops(int signal) {
  (void)signal;
  count_up(&inside);
  wait_while(&leave_now, 0);
  count_up(&seen);
}
static void everybody(void) {
  pthread_t threads[8];
  handle(34, stops, SA_RESTART);
  busy_one = 1;
  for (intptr_t i = 0; i < 8; i++) threads[i] = start(numbered, (void *)i);
  wait_for(&ready, 8);
  for (unsigned round = 1; round <= 20; round++) {
    STORE(&leave_now, 0);
    for (unsigned i = 0; i < 8; i++) {
      raw(tgkill, getpid(), tids[i], 34);
      wait_for(&inside, 8 * (round - 1) + i + 1);
    }
    tell(&leave_now, 1);
    wait_for(&seen, 8 * round);
  }
  printf("%u %u\n", inside, seen);
  tell(&forever, 1);
  for (int i = 0; i < 8; i++) join(threads[i]);
}

// Signals meet threads that begin and end.
static unsigned alarms;
static void alarmed(int signal) {
  (void)signal;
  ADD(&alarms, 1);
  errno = 12345;
}
static void *short_lived(void *argument) {
  for (volatile int i = 0; i < 200; i++) {
  }
  return argument;
}
static void storm(void) {
  handle(SIGALRM, alarmed, SA_RESTART);
  struct itimerval often = {{0, 300}, {0, 300}}, never = {0};
  setitimer(ITIMER_REAL, &often, NULL);
  int bad = 0;
  for (intptr_t i = 0; i < 300 || LOAD(&alarms) < 20; i++) bad += join(start(short_lived, (void *)i)) != (void *)i;
  setitimer(ITIMER_REAL, &never, NULL);
  CHECK(bad == 0);
  CHECK(alarms >= 20);
}

static void *goes_on(void *argument) {
  wait_while(&ready, (unsigned)getpid());
  me = 1;
  for (unsigned i = 0; i < 10; i++) {
    kill(getpid(), SIGUSR1);
    wait_for(&seen, i + 1);
  }
  _exit(counts[1] == 10 ? (int)(intptr_t)argument : 1);
}
static void main_leaves(void) {
  handle(SIGUSR1, counts_one, 0);
  ready = (unsigned)getpid();
  start(goes_on, (void *)30);
  raw(set_tid_address, (uintptr_t)&ready);
  raw(exit, 3);
}
static void after_main(void) { in_child("goes on", main_leaves); }

static void *ends(void *argument) {
  tids[0] = gettid();
  return argument;
}
static void gone(void) {
  join(start(ends, NULL));
  wait_until_gone(tids[0]);
  CHECK(raw(tgkill, getpid(), tids[0], SIGKILL) == -ESRCH);
  CHECK(raw(tkill, tids[0], SIGKILL) == -ESRCH);
  CHECK(raw(tgkill, getpid(), gettid(), 65) == -EINVAL);
  CHECK(raw(tgkill, getpid(), -1, SIGUSR1) == -EINVAL);
  CHECK(raw(tgkill, -1, gettid(), SIGUSR1) == -EINVAL);
  CHECK(raw(tgkill, getppid(), gettid(), 0) == -ESRCH);
  CHECK(raw(tkill, 0, SIGUSR1) == -EINVAL);
}

static void *sets(void *argument) {
  handle(SIGUSR1, counts_one, 0);
  return argument;
}
static void *resets(void *argument) {
  signal(SIGUSR1, SIG_IGN);
  return argument;
}
static void actions(void) {
  signal(SIGUSR1, SIG_IGN);
  join(start(sets, NULL));
  raise(SIGUSR1);
  printf("%u\n", seen);
  join(start(resets, NULL));
  raise(SIGUSR1);
  printf("%u\n", seen);
  struct sigaction action;
  sigaction(SIGUSR1, NULL, &action);
  CHECK(action.sa_handler == SIG_IGN);
}

// What is pending for a thread goes with it; what is pending for the process stays.
static void *takes_with_it(void *argument) {
  raise(SIGUSR1);
  kill(getpid(), SIGUSR2);
  tids[0] = gettid();
  return argument;
}
static void pending(void) {
  sigset_t set;
  mask(SIG_BLOCK, SIGUSR1);
  mask(SIG_BLOCK, SIGUSR2);
  join(start(takes_with_it, NULL));
  wait_until_gone(tids[0]);
  sigpending(&set);
  CHECK(!sigismember(&set, SIGUSR1) && sigismember(&set, SIGUSR2));
  handle(SIGUSR2, counts_one, 0);
  mask(SIG_UNBLOCK, SIGUSR2);
  CHECK(seen == 1);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
#define CASE(name)                                                                                 \
  if (strcmp(argv[1], #name) == 0) return name(), 0
  CASE(directed);
  CASE(process);
  CASE(waiting);
  CASE(inherited);
  CASE(interrupts);
  CASE(everybody);
  CASE(storm);
  CASE(after_main);
  CASE(gone);
  CASE(actions);
  CASE(pending);
  return 2;
}
