// Copies of the process: what they share, what they inherit, and what they do not.
//
// cases:
//   memory: { args: [memory] }
//   inherits: { args: [inherits] }
//   generations: { args: [generations] }
//   vfork: { args: [vfork] }
//   clone: { args: [clone] }
//   clone3: { args: [clone3] }
//   in_handler: { args: [in_handler] }
//   procfs: { args: [procfs] }
//   exits: { args: [exits], status: 4 }
//   many: { args: [many] }
#include <sched.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#ifndef __wasm__
#include <linux/sched.h>
#endif

static int global = 1;

static int status_of(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) die("waitpid");
  return status;
}

static void show(const char *what, pid_t child) {
  int status = status_of(child);
  if (WIFEXITED(status))
    printf("%s: exited with %d\n", what, WEXITSTATUS(status));
  else
    printf("%s: killed by %d\n", what, WTERMSIG(status));
  fflush(stdout);
}

static void memory(void) {
  volatile int local = 1;
  int *heap = malloc(sizeof *heap);
  *heap = 1;
  int *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  *private = *shared = 1;
  pid_t child = fork();
  if (child == 0) {
    local = global = *heap = *private = *shared = 2;
    int *more = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *more = 3;
    munmap(private, 8192);
    _exit(local + global + *heap + *more);
  }
  show("child", child);
  printf("%d %d %d %d %d\n", local, global, *heap, *private, *shared);
  // The offset of a descriptor is shared, too.
  write_file("file", "0123456789");
  int fd = open("file", O_RDONLY);
  char text[4] = "";
  child = fork();
  if (child == 0) {
    read(fd, text, 3);
    close(fd);
    _exit(text[0] == '0' ? 0 : 1);
  }
  show("reader", child);
  read(fd, text, 3);
  printf("%s\n", text);
}

static volatile int count;
static void counts(int signal) { (void)signal, count++; }

static void inherits(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = counts;
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGSEGV, &action, NULL);
  signal(SIGUSR2, SIG_IGN);
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGSEGV);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  raise(SIGSEGV);
  static char stack[16384];
  stack_t on = {.ss_sp = stack, .ss_size = sizeof stack}, got;
  sigaltstack(&on, NULL);
  pid_t parent = getpid();
  struct itimerval timer = {.it_value = {.tv_sec = 100}};
  setitimer(ITIMER_REAL, &timer, NULL);
  int mask = umask(027);
  umask(027);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGSEGV));
    sigprocmask(SIG_BLOCK, NULL, &set);
    CHECK(sigismember(&set, SIGUSR1) && sigismember(&set, SIGSEGV));
    CHECK(!sigismember(&set, SIGTERM));
    raise(SIGUSR1);
    raise(SIGSEGV);
    raise(SIGUSR2);
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    CHECK(count == 2);
    sigaltstack(NULL, &got);
    CHECK(got.ss_sp == stack && got.ss_flags == 0);
    CHECK(getppid() == parent && getpid() != parent);
    CHECK(getpid() == gettid());
    CHECK(umask(0) == 027 && mask == 022);
    CHECK(raw(getitimer, ITIMER_REAL, &timer) == 0 && timer.it_value.tv_sec == 0);
    fflush(stdout);
    _exit(0);
  }
  show("child", child);
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGSEGV));
  sigemptyset(&set);
  sigprocmask(SIG_SETMASK, &set, NULL);
  CHECK(count == 2);
}

static void generations(void) {
  fflush(stdout);
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  for (int depth = 0; depth < 5; depth++) {
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child > 0) {
      int status = status_of(child);
      char line[64];
      int length = snprintf(line, sizeof line, "at depth %d the child ended with %d\n", depth,
                            WEXITSTATUS(status));
      write(ends[1], line, (size_t)length);
      if (depth > 0) _exit(WEXITSTATUS(status) + 1);
      break;
    }
    if (depth == 4) _exit(10);
  }
  close(ends[1]);
  char text[512];
  ssize_t length;
  while ((length = read(ends[0], text, sizeof text)) > 0) fwrite(text, 1, (size_t)length, stdout);
}

static void vfork_test(void) {
  // The parent goes on when the child has ended.
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (volatile int i = 0; i < 3; i++) {
    *shared = 0;
#ifdef __wasm__
    pid_t child = (pid_t)raw(vfork);
#else
    pid_t child = vfork();
#endif
    if (child == 0) {
      struct timespec wait = {0, 50000000};
      nanosleep(&wait, NULL);
      *shared = 1;
      _exit(3 + i);
    }
    printf("the child has ended: %d\n", *shared);
    show("child", child);
  }
}

static void try_clone(const char *what, unsigned long long flags) {
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int parent_tid = -1;
  fflush(stdout);
  long long child = raw(clone, flags, 0, (uintptr_t)&parent_tid, (uintptr_t)shared, 0);
  if (child == 0) _exit(flags & CLONE_CHILD_SETTID ? 40 + (*shared == gettid()) : 50);
  printf("%s: %s\n", what, child > 0 ? "made" : outcome(child));
  if (child > 0) show(what, (pid_t)child);
  if (flags & CLONE_PARENT_SETTID) CHECK(parent_tid == child);
  if (flags & CLONE_PIDFD) CHECK(parent_tid > 2);
}

static void clone_test(void) {
  try_clone("plain", SIGCHLD);
  try_clone("parent's", SIGCHLD | CLONE_PARENT_SETTID);
  try_clone("child's", SIGCHLD | CLONE_CHILD_SETTID);
  try_clone("vfork", SIGCHLD | CLONE_VFORK);
  try_clone("descriptor", SIGCHLD | CLONE_PIDFD);
  try_clone("both", SIGCHLD | CLONE_PIDFD | CLONE_PARENT_SETTID);
  try_clone("io", SIGCHLD | CLONE_IO | CLONE_SYSVSEM | CLONE_UNTRACED);
  try_clone("thread alone", CLONE_THREAD);
  try_clone("handlers alone", SIGCHLD | CLONE_SIGHAND);
}

static void clone3_test(void) {
  struct clone_args args;
  int tid = -1, fd = -1;
  memset(&args, 0, sizeof args);
  args.exit_signal = SIGCHLD;
  args.flags = CLONE_PARENT_SETTID | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.parent_tid = (uintptr_t)&tid;
  args.pidfd = (uintptr_t)&fd;
  signal(SIGUSR1, counts);
  signal(SIGUSR2, SIG_IGN);
  fflush(stdout);
  long long child = raw(clone3, (void *)&args, sizeof args);
  if (child == 0) {
    raise(SIGUSR2);
    raise(SIGUSR1);
    _exit(1);
  }
  show("child", (pid_t)child);
  CHECK(tid == child && fd > 2);
  RAW(raw(clone3, (void *)&args, 63));
  RAW(raw(clone3, (void *)&args, 4097));
  RAW(raw(clone3, BAD, sizeof args));
  args.flags = CSIGNAL;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.flags = CLONE_SIGHAND;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.flags = 0;
  args.exit_signal = 256;
  RAW(raw(clone3, (void *)&args, sizeof args));
  struct {
    struct clone_args args;
    unsigned long long more;
  } longer = {.more = 1};
  longer.args.exit_signal = SIGCHLD;
  RAW(raw(clone3, (void *)&longer, sizeof longer));
  longer.more = 0;
  fflush(stdout);
  child = raw(clone3, (void *)&longer, sizeof longer);
  if (child == 0) _exit(6);
  show("longer", (pid_t)child);
  child = raw(clone3, (void *)&longer, 64);
  if (child == 0) _exit(7);
  show("shorter", (pid_t)child);
}

static void forks(int signal) {
  pid_t child = fork();
  if (child == 0) {
    // The copy is in the handler, too, with its mask.
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (!sigismember(&mask, signal)) _exit(9);
    return;
  }
  count = child;
}

static void in_handler(void) {
  signal(SIGUSR1, forks);
  fflush(stdout);
  raise(SIGUSR1);
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  if (count == 0) _exit(sigismember(&mask, SIGUSR1) ? 8 : 4);
  show("left the handler", count);
}

static void procfs(void) {
  pid_t child = fork();
  if (child == 0) {
    int fd = open("/proc/self/status", O_RDONLY);
    CHECK(fd >= 0);
    fflush(stdout);
    _exit(0);
  }
  show("child", child);
}

static void exits(void) {
  // Only one of the two flushes what both have.
  printf("once\n");
  fflush(stdout);
  if (fork() == 0) exit(4);
  int status;
  wait(&status);
  exit(WEXITSTATUS(status));
}

static void many(void) {
  int ended = 0;
  for (int i = 0; i < 200; i++) {
    pid_t child = fork();
    if (child == 0) _exit(i % 7);
    if (WEXITSTATUS(status_of(child)) == i % 7) ended++;
  }
  printf("%d\n", ended);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"memory", memory},      {"inherits", inherits}, {"generations", generations},
      {"vfork", vfork_test},   {"clone", clone_test},  {"clone3", clone3_test},
      {"in_handler", in_handler}, {"procfs", procfs},  {"exits", exits},
      {"many", many},
  };
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
