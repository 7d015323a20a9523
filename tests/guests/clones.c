// Processes that share more, or less, with their maker than those of fork.
//
// cases:
//   folder: { args: [folder] }
//   parent: { args: [parent] }
//   exit_signals: { args: [exit_signals] }
//   waiting: { args: [waiting] }
//   namespaces: { args: [namespaces] }
//   ids: { args: [ids] }
//   groups: { args: [groups] }
//   refused: { args: [refused] }
#ifndef __wasm__
#include <linux/sched.h>
#endif
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif
#ifndef __WALL
#define __WALL 0x40000000
#endif

static char *self;
static int *shared;

static long long make(unsigned long long flags) {
  fflush(stdout);
  return raw(clone, flags, 0, 0, 0, 0);
}

static void show(const char *what, long long child, int options) {
  int status = 0;
  long long result = raw(wait4, (pid_t)child, (void *)&status, options, NULL);
  printf("%s: %s, status %x\n", what, result == child ? "waited for" : outcome(result), status);
  fflush(stdout);
}

static void folder(void) {
  mkdir("below", 0755);
  umask(022);
  long long child = make(CLONE_FS | SIGCHLD);
  if (child == 0) {
    umask(077);
    _exit(chdir("below"));
  }
  show("moves both", child, 0);
  static char path[4096];
  if (getcwd(path, sizeof path) == NULL) die("getcwd");
  printf("%s, %o\n", strrchr(path, '/'), umask(022));
  child = make(SIGCHLD);
  if (child == 0) _exit(chdir(".."));
  show("moves itself", child, 0);
  if (getcwd(path, sizeof path) == NULL) die("getcwd");
  printf("%s\n", strrchr(path, '/'));
}

static void parent(void) {
  pid_t own = getpid();
  shared[0] = 0;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    long long sibling = make(CLONE_PARENT | SIGCHLD);
    if (sibling == 0) _exit(getppid() == own ? 11 : 12);
    shared[0] = (int)sibling;
    // It is not the child's to wait for.
    int status;
    _exit(wait(&status) < 0 && errno == ECHILD ? 13 : 14);
  }
  show("child", child, 0);
  show("the child's, and this one's", shared[0], 0);
}

static volatile int signals[65], sender;
static void notes(int signal, siginfo_t *info, void *context) {
  (void)context;
  signals[signal]++;
  sender = info->si_pid;
}

static void exit_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = notes;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGCHLD, &action, NULL);
  sigaction(40, &action, NULL);
  int kinds[] = {SIGUSR1, 0, SIGCHLD, 40};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    memset((void *)signals, 0, sizeof signals);
    long long child = make((unsigned long long)kinds[i]);
    if (child == 0) _exit(20 + (int)i);
    // A child is a clone's unless it ends with SIGCHLD.
    printf("signal %d\n", kinds[i]);
    if (kinds[i] != SIGCHLD) show("without flags", child, 0);
    if (kinds[i] == SIGCHLD) show("as a clone", child, (int)__WCLONE);
    show("all kinds", child, (int)__WALL);
    printf("came: SIGUSR1 %d, SIGCHLD %d, 40 %d\n", signals[SIGUSR1], signals[SIGCHLD], signals[40]);
    if (kinds[i] != 0) CHECK(sender == child);
  }
  long long child = make(SIGUSR1);
  if (child == 0) _exit(3);
  show("as a clone", child, (int)__WCLONE);
  // What execs is an ordinary child from then on.
  child = make(SIGUSR1);
  if (child == 0) {
    char *argv[] = {self, "status", "33", NULL};
    execv(self, argv);
    _exit(99);
  }
  siginfo_t info;
  memset(&info, 0, sizeof info);
  RAW(raw(waitid, P_PID, (pid_t)child, (void *)&info, WEXITED | WNOWAIT | (int)__WALL, NULL));
  show("has run another", child, 0);
}

static void waiting(void) {
  // Natively, who shares memory in the middle of a function has no way back.
#ifdef __wasm__
  unsigned long long memory = CLONE_VM;
#else
  unsigned long long memory = 0;
#endif
  unsigned long long kinds[] = {CLONE_VFORK | SIGCHLD, CLONE_VFORK | memory | SIGCHLD,
                                CLONE_VFORK | CLONE_IO | SIGCHLD, CLONE_VFORK,
                                CLONE_VFORK | CLONE_FS | SIGUSR2};
  signal(SIGUSR2, SIG_IGN);
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    for (int way = 0; way < 2; way++) {
      shared[0] = 0;
      long long child = make(kinds[i]);
      if (child == 0) {
        struct timespec pause = {0, 20000000};
        nanosleep(&pause, NULL);
        shared[0] = 1;
        char *argv[] = {self, "status", "9", NULL};
        if (way == 1) execv(self, argv);
        _exit(8);
      }
      printf("it was waited for: %d\n", shared[0]);
      show("vfork", child, (int)__WALL);
    }
}

static void namespaces(void) {
  unsigned long long flags[] = {CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER | CLONE_NEWNET,
                                CLONE_NEWUSER | CLONE_NEWPID, CLONE_NEWNS | CLONE_FS,
                                CLONE_NEWUSER | CLONE_FS};
  for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
    long long child = make(flags[i] | SIGCHLD);
    if (child == 0) {
      int first = getpid() == 1 && getppid() == 0;
      // Its own children are there, too.
      pid_t another = fork();
      if (another == 0) _exit(getppid() == 1 ? 2 : 3);
      int status;
      if (waitpid(another, &status, 0) != another) _exit(90);
      _exit(first * 10 + WEXITSTATUS(status));
    }
    printf("namespace %d: %s\n", i, child > 0 ? "made" : outcome(child));
    if (child > 0) show("ended", child, 0);
  }
}

static void ids(void) {
  struct clone_args args;
  memset(&args, 0, sizeof args);
  args.exit_signal = SIGCHLD;
  int wanted[40] = {1};
  RAW(raw(clone3, (void *)&args, 8));
  args.set_tid_size = 1;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.set_tid = (uintptr_t)wanted;
  args.set_tid_size = 0;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.set_tid_size = 33;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.set_tid_size = 32;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.set_tid_size = 1;
  args.set_tid = (uintptr_t)BAD;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.set_tid = (uintptr_t)wanted;
  // The first process of all is there already.
  RAW(raw(clone3, (void *)&args, sizeof args));
  wanted[0] = -1;
  RAW(raw(clone3, (void *)&args, sizeof args));
  wanted[0] = 1;
  args.flags = CLONE_NEWUSER | CLONE_NEWPID;
  fflush(stdout);
  long long child = raw(clone3, (void *)&args, sizeof args);
  if (child == 0) _exit(getpid() == 1 ? 1 : 2);
  printf("the first of its own: %s\n", child > 0 ? "made" : outcome(child));
  if (child > 0) show("ended", child, 0);
  wanted[0] = 7;
  RAW(raw(clone3, (void *)&args, sizeof args));
  memset(&args, 0, sizeof args);
  args.exit_signal = 65;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.exit_signal = 64;
  signal(64, SIG_IGN);
  fflush(stdout);
  child = raw(clone3, (void *)&args, sizeof args);
  if (child == 0) _exit(4);
  show("signal 64", child, (int)__WALL);
}

static void groups(void) {
  struct clone_args args;
  memset(&args, 0, sizeof args);
  args.exit_signal = SIGCHLD;
  args.flags = 0x200000000ull /* CLONE_INTO_CGROUP */;
  args.cgroup = 0x80000000ull;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.cgroup = 99;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.cgroup = 0;
  RAW(raw(clone3, (void *)&args, sizeof args));
  args.cgroup = (unsigned)open(".", O_RDONLY | O_DIRECTORY);
  RAW(raw(clone3, (void *)&args, sizeof args));
  RAW(raw(clone3, (void *)&args, 80));
}

static void refused(void) {
  RAW(make(CLONE_THREAD | SIGCHLD));
  RAW(make(CLONE_SIGHAND | SIGCHLD));
  RAW(make(CLONE_THREAD | CLONE_SIGHAND | SIGCHLD));
  int place = -1;
  RAW(raw(clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, (uintptr_t)&place, 0, 0));
  RAW(raw(clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, (uintptr_t)&place, 0, 0));
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc == 3 && strcmp(argv[1], "status") == 0) _exit(atoi(argv[2]));
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"folder", folder},         {"parent", parent}, {"exit_signals", exit_signals},
      {"waiting", waiting},       {"namespaces", namespaces}, {"ids", ids},
      {"groups", groups},         {"refused", refused},
  };
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
