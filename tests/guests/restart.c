// Calls that block while signals come: restarted, ended with EINTR, and none that misses a
// signal which came just before.
//
// cases:
//   restarted: { args: [restarted] }
//   ended: { args: [ended] }
//   sleeps: { args: [sleeps] }
//   partial: { args: [partial] }
//   no_gap_reading: { args: [no_gap_reading] }
//   no_gap_suspended: { args: [no_gap_suspended] }
//   no_gap_waiting: { args: [no_gap_waiting] }
//   stopped: { args: [stopped] }
//   under_mask: { args: [under_mask] }
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

// How many signals were handled. Children see it, too.
static volatile int *counted;
#define count (*counted)
static int ends[2];
// What is to come is an end by a signal: nobody does what is waited for.
static int in_vain;

static void counts(int signal) { (void)signal, count++; }

static void install(int signal, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  if (sigaction(signal, &action, NULL) != 0) die("sigaction");
}

static void every(int microseconds) {
  struct itimerval often = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &often, NULL);
}
static void once(int microseconds) {
  struct itimerval soon = {{0, 0}, {0, microseconds}};
  setitimer(ITIMER_REAL, &soon, NULL);
}

static void nap(int milliseconds) {
  struct timespec left = {0, milliseconds * 1000000};
  while (nanosleep(&left, &left) != 0) {}
}

static void open_pipe(void) {
  if (pipe(ends) != 0) die("pipe");
}

// A child that does something after signals have come, or never, if they end what waits for it.
static pid_t later(void (*what)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    while (in_vain) pause();
    for (int first = count; count < first + 5;) nap(1);
    what();
    _exit(5);
  }
  return child;
}
static void writes(void) { write(ends[1], "x", 1); }
static void drains(void) {
  char bytes[65536];
  read(ends[0], bytes, sizeof bytes);
}
static int lock_fd;
static void unlocks(void) { flock(lock_fd, LOCK_UN); }
static void nothing(void) {}
static void opens(void) { open("fifo", O_WRONLY); }

static void blocking_calls(void) {
  char byte;
  int status;
  every(10000);
  count = 0;
  pid_t child = later(writes);
  LIBC(read(ends[0], &byte, 1));
  CHECK(count > 0);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0) {}

  count = 0;
  child = later(writes);
  LIBC(raw(readv, ends[0], (void *)(struct iovec[1]){{&byte, 1}}, 1));
  CHECK(count > 0);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0) {}

  count = 0;
  child = later(nothing);
  int waited = waitpid(child, &status, 0);
  printf("waitpid: %s\n", waited == child ? "the child" : libc_outcome(waited));
  CHECK(count > 0);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}

  count = 0;
  child = later(nothing);
  siginfo_t info;
  LIBC(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
  CHECK(count > 0);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}

  lock_fd = open("lock", O_RDWR | O_CREAT, 0600);
  int other = open("lock", O_RDWR);
  LIBC(flock(lock_fd, LOCK_EX));
  count = 0;
  child = later(unlocks);
  LIBC(flock(other, LOCK_EX));
  CHECK(count > 0);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0) {}
  close(lock_fd), close(other);

  every(0);
  // A pipe that is full.
  static char block[65536];
  open_pipe();
  if (write(ends[1], block, sizeof block) != sizeof block) die("write");
  every(10000);
  count = 0;
  child = later(drains);
  LIBC(write(ends[1], block, 100));
  CHECK(count > 0);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0) {}
  every(0);

  if (mkfifo("fifo", 0600) != 0) die("mkfifo");
  every(10000);
  count = 0;
  child = later(opens);
  int fd = open("fifo", O_RDONLY);
  printf("open: %s\n", fd >= 0 ? "a descriptor" : error_name(errno));
  CHECK(count > 0);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0) {}
  every(0);
}

static void restarted(void) {
  open_pipe();
  install(SIGALRM, counts, SA_RESTART);
  blocking_calls();
}

static void ended(void) {
  open_pipe();
  install(SIGALRM, counts, 0);
  in_vain = 1;
  blocking_calls();
}

static void sleeps(void) {
  for (int flags = 0; flags < 2; flags++) {
    install(SIGALRM, counts, flags ? SA_RESTART : 0);
    struct timespec long_time = {1000, 0}, left = {0, 0};
    every(20000);
    LIBC(nanosleep(&long_time, &left));
    CHECK(left.tv_sec < 1000 && left.tv_sec > 900 && left.tv_nsec > 0);
    left = (struct timespec){0, 0};
    RAW(raw(clock_nanosleep, CLOCK_MONOTONIC, 0, &long_time, &left));
    CHECK(left.tv_sec < 1000 && left.tv_sec > 900 && left.tv_nsec > 0);
    clock_gettime(CLOCK_MONOTONIC, &left);
    left.tv_sec += 1000;
    RAW(raw(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &left, NULL));
    every(0);
    // Ignored signals end nothing.
    install(SIGALRM, SIG_IGN, 0);
    every(1000);
    struct timespec short_time = {0, 50000000};
    LIBC(nanosleep(&short_time, &left));
    every(0);
  }
}

static void partial(void) {
  // A write that has begun ends with what was written.
  open_pipe();
  install(SIGALRM, counts, SA_RESTART);
  static char big[1 << 20];
  every(20000);
  ssize_t done = write(ends[1], big, sizeof big);
  every(0);
  printf("wrote some: %d\n", done > 0 && done < (ssize_t)sizeof big);
}

static void writes_byte(int signal) { (void)signal, write(ends[1], "x", 1); }

static void no_gap_reading(void) {
  open_pipe();
  for (int flags = 0; flags < 2; flags++) {
    install(SIGALRM, writes_byte, flags ? SA_RESTART : 0);
    int got = 0, interrupted = 0;
    for (int i = 0; i < 1500; i++) {
      char byte;
      once(1 + i % 60);
      ssize_t n;
      while ((n = read(ends[0], &byte, 1)) < 0 && errno == EINTR) interrupted++;
      got += n == 1;
    }
    printf("%d bytes, never interrupted under SA_RESTART: %d\n", got, !flags || interrupted == 0);
  }
}

static void no_gap_suspended(void) {
  install(SIGALRM, counts, 0);
  sigset_t alarm, none;
  sigemptyset(&alarm);
  sigemptyset(&none);
  sigaddset(&alarm, SIGALRM);
  sigprocmask(SIG_BLOCK, &alarm, NULL);
  count = 0;
  for (int i = 0; i < 1500; i++) {
    once(1 + i % 60);
    if (sigsuspend(&none) != -1 || count != i + 1) die("sigsuspend");
  }
  printf("%d times\n", count);
}

static void no_gap_waiting(void) {
  // The handler of the child's end waits for it; the parent waits for the handler.
  install(SIGCHLD, counts, 0);
  sigset_t child, none;
  sigemptyset(&child);
  sigemptyset(&none);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  int ended = 0;
  for (int i = 0; i < 50; i++) {
    pid_t pid = fork();
    if (pid == 0) _exit(i);
    sigsuspend(&none);
    int status;
    if (waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == i) ended++;
  }
  printf("%d children, %d signals\n", ended, count);
}

// Stopping and continuing is no reason to restart or to end anything, but for what Linux ends.
static void stopped(void) {
  open_pipe();
  fflush(stdout);
  pid_t sleeper = fork();
  if (sleeper == 0) {
    struct timespec wait = {0, 300000000};
    int slept = nanosleep(&wait, NULL);
    char byte;
    int got = (int)read(ends[0], &byte, 1);
    _exit(slept == 0 && got == 1 ? 7 : 8);
  }
  int status;
  for (int i = 0; i < 3; i++) {
    nap(50);
    kill(sleeper, SIGSTOP);
    waitpid(sleeper, &status, WUNTRACED);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(sleeper, SIGCONT);
    waitpid(sleeper, &status, WCONTINUED);
    printf("continued %d\n", WIFCONTINUED(status));
  }
  nap(300);
  kill(sleeper, SIGSTOP);
  waitpid(sleeper, &status, WUNTRACED);
  kill(sleeper, SIGCONT);
  write(ends[1], "x", 1);
  waitpid(sleeper, &status, 0);
  printf("exited %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
}

static char trace[256];
static void note(const char *text) {
  if (strlen(trace) + strlen(text) < sizeof trace) strcat(trace, text);
}
static void notes_mask(int signal) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  note(signal == SIGALRM ? "<alrm" : signal == SIGUSR1 ? "<usr1" : signal == SIGUSR2 ? "<usr2" : "<segv");
  int all[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGSEGV, SIGTERM};
  for (int i = 0; i < 6; i++)
    if (sigismember(&mask, all[i])) note(" "), note((char *[]){"hup", "1", "2", "a", "s", "t"}[i]);
  note(">");
}
static void show_mask(const char *what, long long result) {
  printf("%s = %s %s\n", what, outcome(result), trace);
  trace[0] = 0;
  notes_mask(SIGSEGV);
  printf("mask after: %s\n", trace);
  trace[0] = 0;
}

// Calls that wait under another mask let handlers begin with it.
static void under_mask(void) {
  int signals[] = {SIGALRM, SIGUSR1, SIGUSR2, SIGSEGV};
  for (int i = 0; i < 4; i++) install(signals[i], notes_mask, SA_RESTART);
  sigset_t outside, inside;
  sigemptyset(&outside);
  for (int i = 0; i < 4; i++) sigaddset(&outside, signals[i]);
  sigaddset(&outside, SIGHUP);
  sigprocmask(SIG_SETMASK, &outside, NULL);
  sigemptyset(&inside);
  sigaddset(&inside, SIGTERM);
  sigaddset(&inside, SIGUSR2);
  open_pipe();
  struct timespec some = {5, 0};
  struct {
    unsigned long long at, size;
  } pair = {(uintptr_t)&inside, 8};
  int epoll = (int)raw(epoll_create1, 0);
  char events[64];
  for (int i = 0; i < 3; i++) {
    for (int kind = 0; kind < 5; kind++) {
      // One that is there, one that comes, and two of which one lets the other through.
      if (i == 0) raise(SIGUSR1), raise(SIGUSR2);
      if (i == 1) once(20000);
      if (i == 2) raise(SIGUSR1), raise(SIGALRM);
      long long result = 0;
      struct timespec left = some;
      switch (kind) {
        case 0: result = raw(ppoll, NULL, 0ull, (void *)&left, (void *)&inside, 8); break;
        case 1: result = raw(pselect6, 0, NULL, NULL, NULL, (void *)&left, (void *)&pair); break;
        case 2: result = raw(epoll_pwait, epoll, (void *)events, 1, 5000, (void *)&inside, 8); break;
        case 3: result = raw(epoll_pwait2, epoll, (void *)events, 1, (void *)&some, (void *)&inside, 8); break;
        case 4: result = raw(rt_sigsuspend, (void *)&inside, 8); break;
      }
      show_mask((char *[]){"ppoll", "pselect6", "epoll_pwait", "epoll_pwait2", "sigsuspend"}[kind], result);
      once(0);
    }
  }
  // A fault's signal that came while it was blocked ends the wait before it begins.
  raise(SIGSEGV);
  struct timespec left = some;
  show_mask("ppoll", raw(ppoll, NULL, 0ull, (void *)&left, (void *)&inside, 8));
  // Masks of another size are refused.
  RAW(raw(ppoll, NULL, 0ull, (void *)&some, (void *)&inside, 128));
  RAW(raw(ppoll, NULL, 0ull, (void *)&some, BAD, 8));
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"restarted", restarted},
      {"ended", ended},
      {"sleeps", sleeps},
      {"partial", partial},
      {"no_gap_reading", no_gap_reading},
      {"no_gap_suspended", no_gap_suspended},
      {"no_gap_waiting", no_gap_waiting},
      {"stopped", stopped},
      {"under_mask", under_mask},
  };
  counted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
