// What handlers and waiters learn of signals, from every source there is; and what a handler may
// change in the context it is given.
//
// cases:
//   sent: { args: [sent] }
//   sent_faults: { args: [sent, faults] }
//   codes: { args: [codes] }
//   codes_faults: { args: [codes, faults] }
//   timers: { args: [timers] }
//   timers_faults: { args: [timers, faults] }
//   intervals: { args: [intervals] }
//   children: { args: [children] }
//   descriptors: { args: [descriptors] }
//   queues: { args: [queues] }
//   limits: { args: [limits] }
//   faults: { args: [faults] }
//   context: { args: [context] }
//   order: { args: [order] }
//   order_faults: { args: [order, faults] }
//   pending: { args: [pending] }
//   signalfd: { args: [signalfd] }
//   signalfd_faults: { args: [signalfd, faults] }
//   inherited: { args: [inherited] }
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#ifdef __wasm__
#define SET_THREAD(event) ((event)._sigev_un[0] = gettid())
#define SET_VALUE(event, v) ((event).sigev_value = (unsigned)(v))
#define O_ASYNC FASYNC
#define OVERRUN(info) ((info)->fields.timer._overrun)
#define TIMER_ID(info) ((info)->fields.timer._tid)
typedef struct signalfd_siginfo fd_info;
#else
#include <mqueue.h>
#include <sys/signalfd.h>
#define SET_THREAD(event) ((event)._sigev_un._tid = gettid())
#define SET_VALUE(event, v) ((event).sigev_value.sival_int = (v))
#define OVERRUN(info) ((info)->si_overrun)
#define TIMER_ID(info) ((info)->si_timerid)
typedef struct signalfd_siginfo fd_info;
#endif

static volatile int handled;
static volatile pid_t expected;
static siginfo_t last;
static void keep(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  last = *info;
  handled++;
}
static void handle(int signal, int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = keep;
  action.sa_flags = SA_SIGINFO | flags;
  if (sigaction(signal, &action, NULL) != 0) die("sigaction");
}
static void mask(int how, int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  sigprocmask(how, &set, NULL);
}
static void rest(void) {
  struct timespec time = {0, 200000};
  while (nanosleep(&time, &time) != 0) {}
}
static void until(int count) {
  while (handled < count) raw(sched_yield);
}
static const char *who(pid_t pid) {
  return pid == 0           ? "nobody"
         : pid == getpid()  ? "self"
         : pid == getppid() ? "parent"
         : pid == expected  ? "child"
                            : "?";
}
// Head, and who sent it.
static void head(const char *what) {
  printf("%s: signal %d, errno %d, code %d", what, last.si_signo, last.si_errno, last.si_code);
}
static void from(const char *what) {
  head(what);
  printf(", from %s, user %d\n", who(last.si_pid), last.si_uid == getuid());
}

// Whether a case is about the signals of faults, sent by processes, or about others. An emulator has
// trouble with the first.
static int of_faults;
static void sent(void) {
  static int others[] = {SIGUSR1, SIGTERM, SIGQUIT, SIGXFSZ, 34, 60};
  static int fault[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGCHLD, SIGIO, 64};
  const int *signals = of_faults ? fault : others;
  unsigned count = of_faults ? sizeof fault / sizeof *fault : sizeof others / sizeof *others;
  union sigval value = {.sival_int = 0x7eadbeef};
  int ends[2];
  pipe(ends);
  for (unsigned i = 0; i < count; i++) {
    int s = signals[i];
    handle(s, 0);
    kill(getpid(), s);
    from("kill");
    raw(tkill, gettid(), s);
    from("tkill");
    raw(tgkill, getpid(), gettid(), s);
    from("tgkill");
    sigqueue(getpid(), s, value);
    from("sigqueue");
    printf("value %x\n", last.si_int);
    int fd = (int)raw(pidfd_open, getpid(), 0);
    raw(pidfd_send_signal, fd, s, NULL, 0);
    from("pidfd");
    close(fd);
    // Kept while it is blocked, and unblocked.
    mask(SIG_BLOCK, s);
    sigqueue(getpid(), s, value);
    mask(SIG_UNBLOCK, s);
    from("blocked first");
    printf("value %x\n", last.si_int);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      int status = 0;
      read(ends[0], &status, 1);
      kill(getppid(), s);
      _exit(0);
    }
    int status;
    expected = child;
    // The end of a child is a signal, too.
    handled = 0;
    write(ends[1], "x", 1);
    until(1);
    if (s != SIGCHLD) from("by a child");
    while (waitpid(child, &status, 0) < 0) {}
    // From here on, only what is sent is noted, not also that its sender has ended.
    if (s == SIGCHLD) signal(SIGCHLD, SIG_DFL);
  }
}

// A process may claim what it likes to itself, and nothing that the kernel says to others.
static void codes(void) {
  static int others[] = {SIGUSR1, SIGCHLD, SIGIO, 40}, fault[] = {SIGSEGV, SIGBUS, SIGFPE, SIGSYS};
  const int *signals = of_faults ? fault : others;
  int codes[] = {0, 1, 2, 3, 9, 100, SI_KERNEL, SI_QUEUE, SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_SIGIO, SI_TKILL, -60, -61, -1000};
  for (unsigned i = 0; i < 4; i++) {
    handle(signals[i], 0);
    for (unsigned j = 0; j < sizeof codes / sizeof *codes; j++) {
      siginfo_t info;
      memset(&info, 0, sizeof info);
      info.si_signo = 77;
      info.si_errno = 5;
      info.si_code = codes[j];
      info.si_pid = 1234;
      info.si_uid = 4321;
      memset(&last, 0, sizeof last);
      long long result = raw(rt_sigqueueinfo, getpid(), signals[i], (void *)&info);
      head("to itself");
      printf(", %d %d = %s\n", last.si_pid, (int)last.si_uid, outcome(result));
      memset(&last, 0, sizeof last);
      result = raw(rt_tgsigqueueinfo, getpid(), gettid(), signals[i], (void *)&info);
      head("to its thread");
      printf(" = %s\n", outcome(result));
      if (i == 0) RAW(raw(rt_sigqueueinfo, getppid(), 0, (void *)&info));
    }
  }
}

static void timer(int notify, int signal, int clock, int value) {
  int id = -1;
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = notify;
  event.sigev_signo = signal;
  SET_VALUE(event, value);
  if (notify & SIGEV_THREAD_ID) SET_THREAD(event);
  handle(signal, 0);
  RAW(raw(timer_create, clock, notify == -1 ? NULL : &event, &id));
  struct itimerspec once = {{0, 0}, {0, 1000000}};
  handled = 0;
  mask(SIG_BLOCK, signal);
  RAW(raw(timer_settime, id, 0, &once, NULL));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  memset(&last, 0, sizeof last);
  while (sigtimedwait(&set, &last, NULL) < 0) {}
  head("waited for");
  printf(", this timer %d, overrun %d, value %d\n", TIMER_ID(&last) == id, OVERRUN(&last), (int)last.si_int);
  // Again, and again while it is blocked.
  struct itimerspec often = {{0, 100000}, {0, 100000}};
  raw(timer_settime, id, 0, &often, NULL);
  for (int i = 0; i < 20; i++) rest();
  memset(&last, 0, sizeof last);
  while (sigtimedwait(&set, &last, NULL) < 0) {}
  printf("this timer %d\n", TIMER_ID(&last) == id);
  if (signal != SIGSEGV && signal != SIGBUS)
    printf("overrun %d, as asked %d\n", OVERRUN(&last) > 5,
           raw(timer_getoverrun, id) == OVERRUN(&last));
  raw(timer_settime, id, 0, &(struct itimerspec){{0, 0}, {0, 0}}, NULL);
  while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) >= 0) {}
  // One that is deleted while its signal is pending.
  mask(SIG_BLOCK, signal);
  raw(timer_settime, id, 0, &once, NULL);
  for (int i = 0; i < 20; i++) rest();
  RAW(raw(timer_delete, id));
  handled = 0;
  mask(SIG_UNBLOCK, signal);
}
static void timers(void) {
  if (of_faults) {
    timer(SIGEV_SIGNAL, SIGSEGV, CLOCK_MONOTONIC, 20);
    timer(SIGEV_SIGNAL, SIGBUS, CLOCK_BOOTTIME, 21);
    return;
  }
  timer(SIGEV_SIGNAL, SIGUSR1, CLOCK_MONOTONIC, 17);
  timer(SIGEV_SIGNAL, 40, CLOCK_REALTIME, -18);
  timer(SIGEV_SIGNAL | SIGEV_THREAD_ID, 41, CLOCK_MONOTONIC, 19);
  // They are nothing for children and other programs.
  int id;
  raw(timer_create, CLOCK_MONOTONIC, NULL, &id);
  struct itimerspec far = {{0, 0}, {1000, 0}};
  raw(timer_settime, id, 0, &far, NULL);
  alarm(1000);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    struct itimerspec got;
    RAW(raw(timer_gettime, id, &got));
    printf("alarm in a child: %u\n", alarm(0));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  CHECK(alarm(0) > 900);
}

static void intervals(void) {
  int which[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}, signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
  for (int i = 0; i < 3; i++) {
    handle(signals[i], SA_RESTART);
    handled = 0;
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}}, got;
    LIBC(setitimer(which[i], &often, NULL));
    // Time of the processor's is used.
    for (volatile unsigned long long turns = 0; handled < 5; turns++) {}
    LIBC(setitimer(which[i], &never, &got));
    CHECK(got.it_interval.tv_usec > 0);
    from("timer");
  }
  handle(SIGALRM, 0);
  handled = 0;
  raise(SIGALRM);
  struct itimerval soon = {{0, 0}, {0, 2000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  until(2);
  from("once");
}

static void child_info(const char *what, pid_t child) {
  head(what);
  printf(", child %d, user %d, status %d\n", last.si_pid == child, last.si_uid == getuid(), last.si_status);
}
static void children(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  handle(SIGCHLD, 0);
  for (int kind = 0; kind < 5; kind++) {
    handled = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      if (kind == 0) _exit(77);
      if (kind == 1) raise(SIGTERM);
      if (kind == 2) raise(SIGABRT);
      if (kind == 3) raise(SIGILL);
      for (;;) pause();
    }
    if (kind == 4) {
      kill(child, SIGSTOP);
      until(1);
      child_info("stopped", child);
      kill(child, SIGCONT);
      until(2);
      child_info("continued", child);
      handle(SIGCHLD, SA_NOCLDSTOP);
      int status;
      kill(child, SIGSTOP);
      waitpid(child, &status, WUNTRACED);
      printf("stopped %x, handled %d\n", status, handled);
      kill(child, SIGCONT);
      waitpid(child, &status, WCONTINUED);
      printf("continued %x, handled %d\n", status, handled);
      kill(child, SIGKILL);
      until(3);
    } else {
      until(1);
    }
    child_info("ended", child);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    LIBC(waitid(P_PID, (id_t)child, &info, WEXITED));
    printf("waitid: signal %d, code %d, status %d, child %d\n", info.si_signo, info.si_code, info.si_status, info.si_pid == child);
  }
  // A signal that comes while it looks begins the wait again, and does not end it.
  handle(SIGCHLD, SA_NOCLDWAIT | SA_RESTART);
  handled = 0;
  pid_t child = fork();
  if (child == 0) _exit(3);
  LIBC(waitpid(child, NULL, 0));
  until(1);
  printf("nobody to wait for, handled %d\n", handled);
  signal(SIGCHLD, SIG_IGN);
  child = fork();
  if (child == 0) _exit(3);
  LIBC(waitpid(child, NULL, 0));
}

static void poll_info(const char *what, int fd) {
  head(what);
  printf(", band %llx, this descriptor %d\n", (unsigned long long)last.si_band, last.si_fd == fd);
}
static void descriptors(void) {
  int ends[2];
  if (raw(socketpair, AF_UNIX, SOCK_STREAM, 0, ends) < 0) die("socketpair");
  handle(SIGIO, 0), handle(SIGUSR1, 0), handle(40, 0), handle(SIGSEGV, 0), handle(SIGBUS, 0);
  int fd = ends[0];
  LIBC(raw(fcntl, fd, F_SETOWN, getpid()));
  LIBC(raw(fcntl, fd, F_SETFL, O_ASYNC | O_NONBLOCK));
  int signals[] = {0, SIGIO, SIGUSR1, 40, SIGSEGV, SIGBUS};
  for (int i = 0; i < 6; i++) {
    LIBC(raw(fcntl, fd, F_SETSIG, signals[i]));
    handled = 0;
    memset(&last, 0, sizeof last);
    write(ends[1], "x", 1);
    until(1);
    if (signals[i] == 0) from("SIGIO");
    else poll_info("to be read", fd);
  }
  LIBC(raw(fcntl, fd, F_SETSIG, 65));
  LIBC(raw(fcntl, fd, F_SETSIG, 40));
  handled = 0;
  close(ends[1]);
  until(1);
  poll_info("closed", fd);
  // Nobody reads.
  handle(SIGPIPE, 0);
  pipe(ends);
  close(ends[0]);
  handled = 0;
  LIBC(write(ends[1], "x", 1));
  printf("handled %d\n", handled);
  from("SIGPIPE");
  handled = 0;
  LIBC(raw(sendto, fd, "x", 1, 0, NULL, 0));
  printf("handled %d\n", handled);
  LIBC(raw(sendto, fd, "x", 1, MSG_NOSIGNAL, NULL, 0));
  printf("handled %d\n", handled);
}

static void queues(void) {
  char name[32];
  snprintf(name, sizeof name, "siginfos-%d", getpid());
  struct mq_attributes {
    long long values[8];
  } attributes = {{0, 4, 16}};
  int q = (int)raw(mq_open, name, O_RDWR | O_CREAT, 0600, (void *)&attributes);
  if (q < 0) die("mq_open");
  raw(mq_unlink, name);
  handle(SIGUSR1, 0), handle(SIGSEGV, 0);
  for (int i = 0; i < 2; i++) {
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = i ? SIGSEGV : SIGUSR1;
    SET_VALUE(event, 4711 + i);
    RAW(raw(mq_notify, q, &event));
    handled = 0;
    RAW(raw(mq_timedsend, q, "text", 4, 0, NULL));
    until(1);
    from("message");
    printf("value %d\n", (int)last.si_int);
    char text[16];
    RAW(raw(mq_timedreceive, q, text, 16, NULL, NULL));
  }
}

static void limits(void) {
  // Time of the processor's, of which the least is a second.
  struct rlimit limit = {1, 60};
  handle(SIGXCPU, 0), handle(SIGXFSZ, 0);
  setrlimit(RLIMIT_CPU, &limit);
  for (volatile unsigned long long turns = 0; handled < 1; turns++) {}
  from("SIGXCPU");
  limit.rlim_cur = limit.rlim_max = 5;
  setrlimit(RLIMIT_FSIZE, &limit);
  fflush(stdout);
  int fd = open("file", O_RDWR | O_CREAT, 0600);
  long long first = write(fd, "0123456789", 10), second = write(fd, "0", 1);
  int error = errno;
  // Nothing can be printed to a file now; a pipe is fine.
  printf("%lld, %lld %s, handled %d\n", first, second, error_name(error), handled);
  from("SIGXFSZ");
}

static volatile int turn;
static char *volatile page;
static int *volatile word;
static void mends(int signal, siginfo_t *info, void *context) {
  (void)context;
  last = *info;
  int at = (int)((char *)(uintptr_t)info->si_addr - page);
  printf("signal %d, code %d, at %d\n", signal, info->si_code, at);
  if (turn == 0) mprotect(page, 4096, PROT_READ);
  if (turn == 1) mprotect(page, 4096, PROT_READ | PROT_WRITE);
  if (turn == 2) mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (turn == 3) {
    // The file grows.
    int fd = open("short", O_RDWR);
    ftruncate(fd, 8192);
    close(fd);
  }
}
static void faults(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = mends;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, NULL), sigaction(SIGBUS, &action, NULL);
  page = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  turn = 0;
  printf("read %d\n", page[100]);
  turn = 1;
  page[200] = 3;
  printf("read %d\n", page[200]);
  munmap(page, 4096);
  turn = 2;
  word = (int *)(page + 400);
  printf("read %d\n", *word);
  *word = 9;
  turn = 3;
  int fd = open("short", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 10);
  page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  page[20] = 'x';
  page[5000] = 'y';
  printf("read %c\n", page[5000]);
}

static void edits(int signal, siginfo_t *info, void *context) {
  (void)info;
  ucontext_t *uc = context;
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  printf("in %d: before", signal);
  for (int s = 1; s <= 31; s++)
    if (sigismember(&uc->uc_sigmask, s)) printf(" %d", s);
  printf(", now");
  for (int s = 1; s <= 31; s++)
    if (sigismember(&now, s)) printf(" %d", s);
  printf("\n");
  if (signal == SIGUSR1) {
    sigaddset(&uc->uc_sigmask, SIGHUP);
    sigaddset(&uc->uc_sigmask, SIGKILL);
    sigaddset(&uc->uc_sigmask, SIGSEGV);
    sigdelset(&uc->uc_sigmask, SIGTERM);
  } else if (signal == SIGUSR2) {
    sigemptyset(&uc->uc_sigmask);
    raise(SIGHUP);
  } else if (signal == SIGTERM) {
    // What the handler sets itself does not last.
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
  }
  stack_t stack = uc->uc_stack;
  printf("stack flags %x, link %d\n", stack.ss_flags, uc->uc_link != NULL);
}
static void show_mask(const char *what) {
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  printf("%s:", what);
  for (int s = 1; s <= 31; s++)
    if (sigismember(&now, s)) printf(" %d", s);
  printf("\n");
}
static void context(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = edits;
  action.sa_flags = SA_SIGINFO;
  sigaddset(&action.sa_mask, SIGINT);
  int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGHUP, SIGSEGV};
  for (int i = 0; i < 5; i++) sigaction(signals[i], &action, NULL);
  // What is there without it comes from whoever started this program.
  stack_t none = {.ss_flags = SS_DISABLE};
  sigaltstack(&none, NULL);
  mask(SIG_BLOCK, SIGTERM);
  raise(SIGTERM);
  raise(SIGUSR1);
  show_mask("after USR1");
  raise(SIGSEGV), raise(SIGHUP);
  raise(SIGUSR2);
  show_mask("after USR2");
  raise(SIGTERM);
  show_mask("after TERM");
}

static int list[64], count;
static void lists(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (count < 62) list[count++] = signal, list[count++] = info->si_code == SI_QUEUE ? info->si_int : -1;
}
static void show_list(const char *what) {
  printf("%s:", what);
  for (int i = 0; i < count; i += 2) printf(" %d(%d)", list[i], list[i + 1]);
  printf("\n");
  count = 0;
}
static void order(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = lists;
  action.sa_flags = SA_SIGINFO;
  sigset_t all, none;
  sigfillset(&all), sigemptyset(&none);
  for (int blocking = 0; blocking < 2; blocking++) {
    if (blocking) action.sa_mask = all;
    for (int s = 1; s <= 64; s++)
      if (s != SIGKILL && s != SIGSTOP && s != 32 && s != 33) sigaction(s, &action, NULL);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int sends[] = {60, 40, SIGTERM, 40, 34, 40, SIGUSR1, SIGUSR1, 34, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    for (int i = 0; i < (of_faults ? 15 : 9); i++) sigqueue(getpid(), sends[i], (union sigval){.sival_int = i});
    sigprocmask(SIG_SETMASK, &none, NULL);
    show_list(blocking ? "one after the other" : "nested");
    // To the thread comes before to the process.
    sigprocmask(SIG_SETMASK, &all, NULL);
    kill(getpid(), SIGUSR1);
    sigqueue(getpid(), 40, (union sigval){.sival_int = 1});
    raw(tkill, gettid(), 50);
    raw(tkill, gettid(), SIGUSR2);
    sigprocmask(SIG_SETMASK, &none, NULL);
    show_list(blocking ? "thread and process" : "thread and process, nested");
  }
  // The same order for those who wait.
  sigprocmask(SIG_SETMASK, &all, NULL);
  int sends[] = {60, 40, SIGTERM, 40, 34, 40, SIGUSR1, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  for (int i = 0; i < (of_faults ? 11 : 7); i++) sigqueue(getpid(), sends[i], (union sigval){.sival_int = i});
  siginfo_t info;
  struct timespec zero = {0, 0};
  int signal;
  while ((signal = sigtimedwait(&all, &info, &zero)) > 0) lists(signal, &info, NULL);
  show_list("waited for");
}

static void pending(void) {
  // As many as may be queued, and the first one too many.
  struct rlimit limit;
  getrlimit(RLIMIT_SIGPENDING, &limit);
  handle(40, 0), handle(SIGUSR1, 0);
  mask(SIG_BLOCK, 40), mask(SIG_BLOCK, SIGUSR1);
  limit.rlim_cur = 0;
  setrlimit(RLIMIT_SIGPENDING, &limit);
  union sigval value = {.sival_int = 5};
  LIBC(sigqueue(getpid(), 40, value));
  LIBC(sigqueue(getpid(), SIGUSR1, value));
  LIBC(kill(getpid(), 40));
  LIBC(kill(getpid(), SIGUSR1));
  handled = 0;
  mask(SIG_UNBLOCK, 40);
  head("without room");
  printf(", %d handled\n", handled);
  mask(SIG_UNBLOCK, SIGUSR1);
  head("without room");
  printf(", %d handled\n", handled);
  int id;
  RAW(raw(timer_create, CLOCK_MONOTONIC, NULL, &id));
  // Those of faults need none.
  handle(SIGSEGV, 0);
  mask(SIG_BLOCK, SIGSEGV);
  LIBC(kill(getpid(), SIGSEGV));
  sigset_t set;
  sigpending(&set);
  printf("pending %d\n", sigismember(&set, SIGSEGV));
  mask(SIG_UNBLOCK, SIGSEGV);
  printf("%d handled\n", handled);
}

static void signalfd_reads(int fd, int most) {
  fd_info info[8];
  memset(info, 0, sizeof info);
  long long n = raw(read, fd, (void *)info, sizeof *info * (unsigned)most);
  printf("read %s\n", n < 0 ? outcome(n) : n % (int)sizeof *info ? "odd" : "whole");
  for (int i = 0; i < n / (int)sizeof *info; i++)
    printf("signal %u, code %d, from %s, value %d, status %d\n", info[i].ssi_signo, info[i].ssi_code,
           who((int)info[i].ssi_pid), info[i].ssi_code == SI_QUEUE ? info[i].ssi_int : 0, info[i].ssi_status);
}
static void signalfds(void) {
  sigset_t set;
  sigemptyset(&set);
  int in[] = {SIGUSR1, SIGSEGV, SIGBUS, 40, SIGCHLD};
  for (int i = 0; i < 5; i++) sigaddset(&set, in[i]);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = (int)raw(signalfd4, -1, (void *)&set, 8, O_NONBLOCK);
  CHECK(fd >= 0);
  signalfd_reads(fd, 1);
  raise(SIGUSR1);
  signalfd_reads(fd, 8);
  union sigval value = {.sival_int = 99};
  sigqueue(getpid(), 40, value);
  sigqueue(getpid(), 40, value);
  if (of_faults) raise(SIGSEGV), raise(SIGBUS);
  raise(SIGUSR1);
  struct pollfd {
    int fd;
    short events, revents;
  } poll = {fd, 1, 0};
  RAW(raw(ppoll, (void *)&poll, 1, NULL, NULL, 0));
  signalfd_reads(fd, 2);
  signalfd_reads(fd, 8);
  signalfd_reads(fd, 8);
  RAW(raw(read, fd, (char *)&poll, 4));
  kill(getpid(), of_faults ? SIGSEGV : SIGUSR1);
  RAW(raw(ppoll, (void *)&poll, 1, NULL, NULL, 0));
  signalfd_reads(fd, 8);
  fflush(stdout);
  pid_t child = fork();
  expected = child;
  if (child == 0) _exit(6);
  waitpid(child, NULL, 0);
  signalfd_reads(fd, 8);
}

static void show(int signals[], int n) {
  for (int i = 0; i < n; i++) {
    struct sigaction action;
    sigset_t set, mask;
    sigaction(signals[i], NULL, &action);
    sigpending(&set), sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("%d: %s, %s, %s\n", signals[i],
           action.sa_handler == SIG_DFL ? "default" : action.sa_handler == SIG_IGN ? "ignored" : "handled",
           sigismember(&mask, signals[i]) ? "blocked" : "let through", sigismember(&set, signals[i]) ? "pending" : "none");
  }
}
static void inherited(void) {
  int signals[] = {SIGUSR1, SIGUSR2, SIGSEGV, SIGBUS, SIGTERM, 40};
  handle(SIGUSR1, 0), handle(SIGSEGV, 0), handle(40, 0);
  signal(SIGUSR2, SIG_IGN), signal(SIGBUS, SIG_IGN);
  mask(SIG_BLOCK, SIGUSR1), mask(SIG_BLOCK, SIGSEGV), mask(SIG_BLOCK, SIGTERM), mask(SIG_BLOCK, 40);
  raise(SIGUSR1), raise(SIGSEGV), raise(40);
  show(signals, 6);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    // Handlers and masks stay, what is pending does not.
    show(signals, 6);
    raise(SIGSEGV), raise(SIGTERM), raise(40);
    show(signals, 6);
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  // Another program has masks, what is pending and what is ignored, but no handlers.
  char *arguments[] = {"/proc/self/exe", "show", "10", "12", "11", "7", "15", "40", NULL};
  execv(arguments[0], arguments);
  die("execv");
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"sent", sent}, {"codes", codes}, {"timers", timers}, {"intervals", intervals},
      {"children", children}, {"descriptors", descriptors}, {"queues", queues},
      {"limits", limits}, {"faults", faults}, {"context", context}, {"order", order},
      {"pending", pending}, {"signalfd", signalfds}, {"inherited", inherited},
  };
  if (argc > 2 && strcmp(argv[1], "show") == 0) {
    int signals[8], count = 0;
    for (; count < argc - 2 && count < 8; count++) signals[count] = atoi(argv[count + 2]);
    show(signals, count);
  }
  of_faults = argc > 2 && strcmp(argv[2], "faults") == 0;
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
