// How processes end, and who is told: every signal, limits, orphans, groups and sessions.
//
// cases:
//   by_signals: { args: [by_signals] }
//   dumps: { args: [dumps] }
//   stops: { args: [stops] }
//   orphans: { args: [orphans] }
//   parents: { args: [parents] }
//   groups: { args: [groups] }
//   sessions: { args: [sessions] }
//   zombies: { args: [zombies] }
//   bombs: { args: [bombs] }
//   spawned: { args: [spawned] }
//   of_a_program: { args: [of_a_program] }
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#ifndef __WALL
#define __WALL 0x40000000
#endif

static char *self;

static void show(const char *what, pid_t child, int options) {
  int status = 0;
  pid_t got;
  while ((got = waitpid(child, &status, options)) < 0 && errno == EINTR) {}
  printf("%s: %s, status %x\n", what, got == child ? "waited for" : libc_outcome(got), status);
  fflush(stdout);
}

static pid_t begin(void) {
  fflush(stdout);
  pid_t child = fork();
  if (child < 0) die("fork");
  return child;
}

static void no_dumps(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

static void by_signals(void) {
  no_dumps();
  for (int signal = 1; signal <= 64; signal++) {
    // The C library has taken two for itself.
    if (signal == 32 || signal == 33) continue;
    if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) continue;
    pid_t child = begin();
    if (child == 0) {
      raise(signal);
      _exit(7);
    }
    char text[32];
    snprintf(text, sizeof text, "raised %d", signal);
    show(text, child, 0);
    // To one that is busy, and one that waits.
    for (int busy = 0; busy < 2; busy++) {
      if (signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH) continue;
      child = begin();
      if (child == 0) {
        if (!busy)
          for (;;) pause();
        for (volatile unsigned turns = 0;; turns++) {}
      }
      // Emulators may lack the last few.
      if (kill(child, signal) != 0) kill(child, SIGKILL);
      snprintf(text, sizeof text, "%s, sent %d", busy ? "busy" : "waiting", signal);
      show(text, child, 0);
    }
  }
}

static void dumps(void) {
  // A limit of one byte: the kernel begins no dump, and says so.
  struct rlimit limit = {1, RLIM_INFINITY};
  int kinds[] = {SIGSEGV, SIGABRT, SIGTERM, SIGQUIT};
  if (setrlimit(RLIMIT_CORE, &limit) != 0) die("setrlimit");
  for (int i = 0; i < 4; i++) {
    pid_t child = begin();
    if (child == 0) raise(kinds[i]), _exit(1);
    show("one byte", child, 0);
  }
  limit.rlim_cur = 0;
  setrlimit(RLIMIT_CORE, &limit);
  pid_t child = begin();
  if (child == 0) raise(SIGSEGV), _exit(1);
  show("none", child, 0);
}

static void stops(void) {
  int kinds[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  for (int i = 0; i < 4; i++) {
    pid_t child = begin();
    if (child == 0) {
      raise(kinds[i]);
      for (;;) pause();
    }
    show("stopped", child, WUNTRACED);
    kill(child, SIGCONT);
    show("goes on", child, WCONTINUED);
    kill(child, kinds[i]);
    show("stopped while it waits", child, WUNTRACED);
    kill(child, SIGKILL);
    show("ended", child, 0);
  }
  // Stopped and killed.
  pid_t child = begin();
  if (child == 0) raise(SIGSTOP), _exit(1);
  show("stopped", child, WUNTRACED);
  kill(child, SIGTERM);
  LIBC(waitpid(child, NULL, WNOHANG));
  kill(child, SIGCONT);
  show("and then ended", child, 0);
}

static void orphans(void) {
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  RAW(raw(prctl, 36 /* PR_SET_CHILD_SUBREAPER */, 1, 0, 0, 0));
  pid_t own = getpid(), child = begin();
  if (child == 0) {
    pid_t parent = getpid();
    pid_t orphan = fork();
    if (orphan == 0) {
      while (getppid() == parent) sched_yield();
      _exit(getppid() == own ? 21 : 22);
    }
    shared[0] = orphan;
    _exit(20);
  }
  show("child", child, 0);
  show("its orphan", shared[0], 0);
  LIBC(waitpid(-1, NULL, 0));
}

static volatile int told, told_pid;
static void tells(int signal, siginfo_t *info, void *context) {
  (void)context;
  told = signal;
  told_pid = info->si_pid;
}

static void parents(void) {
  int ends[2], ready[2];
  if (pipe(ends) != 0 || pipe(ready) != 0) die("pipe");
  pid_t child = begin();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
      struct sigaction action;
      memset(&action, 0, sizeof action);
      action.sa_sigaction = tells;
      action.sa_flags = SA_SIGINFO;
      sigaction(SIGUSR1, &action, NULL);
      sigset_t set, before;
      sigemptyset(&set);
      sigaddset(&set, SIGUSR1);
      sigprocmask(SIG_BLOCK, &set, &before);
      raw(prctl, 1 /* PR_SET_PDEATHSIG */, SIGUSR1, 0, 0, 0);
      pid_t parent = getppid();
      write(ready[1], "x", 1);
      while (!told) sigsuspend(&before);
      char text[64];
      int length = snprintf(text, sizeof text, "signal %d, from its parent: %d\n", told, told_pid == parent);
      write(ends[1], text, (size_t)length);
      _exit(0);
    }
    char byte;
    read(ready[0], &byte, 1);
    _exit(0);
  }
  close(ends[1]);
  show("parent", child, 0);
  char text[64];
  ssize_t length;
  while ((length = read(ends[0], text, sizeof text)) > 0) fwrite(text, 1, (size_t)length, stdout);
}

static void groups(void) {
  int ready[2];
  if (pipe(ready) != 0) die("pipe");
  pid_t leader = 0, members[3];
  for (int i = 0; i < 3; i++) {
    members[i] = begin();
    if (members[i] == 0) {
      setpgid(0, leader);
      write(ready[1], "x", 1);
      for (;;) pause();
    }
    if (i == 0) leader = members[0];
    char byte;
    read(ready[0], &byte, 1);
    CHECK(getpgid(members[i]) == leader);
  }
  LIBC(waitpid(-leader, NULL, WNOHANG));
  LIBC(kill(-leader, 0));
  LIBC(kill(-leader, SIGUSR1));
  int ended = 0, status;
  while (waitpid(-leader, &status, 0) > 0) ended += WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1;
  printf("%d ended\n", ended);
  LIBC(kill(-leader, 0));
  LIBC(setpgid(leader, 0));
  LIBC(setpgid(0, 999999));
  LIBC(setpgid(-1, 0));
  LIBC(setpgid(0, -1));
  // Not one that has run another program.
  pid_t child = begin();
  if (child == 0) {
    char *argv[] = {self, "waits", NULL};
    dup2(ready[1], 1);
    execv(self, argv);
    _exit(1);
  }
  char byte;
  read(ready[0], &byte, 1);
  LIBC(setpgid(child, child));
  kill(child, SIGKILL);
  show("ran another", child, 0);
}

static void sessions(void) {
  pid_t child = begin();
  if (child == 0) {
    CHECK(setsid() == getpid());
    CHECK(getsid(0) == getpid() && getpgid(0) == getpid());
    LIBC(setsid());
    LIBC(setpgid(0, 0));
    fflush(stdout);
    _exit(0);
  }
  show("session", child, 0);
}

static void zombies(void) {
  pid_t child = begin();
  if (child == 0) _exit(5);
  siginfo_t info;
  memset(&info, 0, sizeof info);
  LIBC(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
  // It is still there, to be sent signals.
  LIBC(kill(child, SIGKILL));
  char path[64], text[256] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", child);
  int fd = open(path, O_RDONLY);
  if (read(fd, text, sizeof text - 1) > 0) printf("state %c\n", strrchr(text, ')')[2]);
  show("zombie", child, (int)__WALL);
  LIBC(kill(child, 0));
  // Nobody waits for those of one who does not care.
  signal(SIGCHLD, SIG_IGN);
  child = begin();
  if (child == 0) {
    pid_t other = fork();
    if (other == 0) _exit(9);
    // That it is ignored is inherited.
    _exit(waitpid(other, NULL, 0) < 0 && errno == ECHILD ? 6 : 8);
  }
  LIBC(waitpid(child, NULL, 0));
  // And over execve.
  child = begin();
  if (child == 0) {
    char *argv[] = {self, "ignores", NULL};
    execv(self, argv);
    _exit(1);
  }
  LIBC(waitpid(child, NULL, 0));
}

static void bombs(void) {
  // A limit binds users without privileges.
  pid_t child = begin();
  if (child == 0) {
    int user = 40000 + getpid() % 20000;
    if (getuid() == 0 && raw(setresuid, user, user, user) != 0) _exit(90);
    struct rlimit limit = {8, 8};
    if (getuid() != 0 && setrlimit(RLIMIT_NPROC, &limit) != 0) _exit(91);
    int made = 0, refused = 0;
    pid_t all[20];
    for (int i = 0; i < 20; i++) {
      all[i] = fork();
      if (all[i] == 0) {
        for (;;) pause();
      }
      made += all[i] > 0;
      refused += all[i] < 0 && errno == EAGAIN;
    }
    for (int i = 0; i < 20; i++)
      if (all[i] > 0) kill(all[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0) {}
    // Then there is room again.
    pid_t again = fork();
    if (again == 0) _exit(0);
    if (again > 0) waitpid(again, NULL, 0);
    printf("made and refused: %d, again: %d\n", made + refused, again > 0);
    printf("%s\n", made == 7 && refused == 13 ? "as the limit says" : made == 20 ? "no limit" : "others ran");
    fflush(stdout);
    _exit(0);
  }
  show("bombs", child, 0);
}

// As posix_spawn does it: the child prepares itself, and says by a pipe what went wrong.
static int spawn(const char *path, int bad_folder) {
  int ends[2];
  if (raw(pipe2, (void *)ends, O_CLOEXEC) != 0) die("pipe2");
  fflush(stdout);
#ifdef __wasm__
  pid_t child = (pid_t)raw(vfork);
#else
  pid_t child = vfork();
#endif
  if (child == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    if (!bad_folder || chdir("absent") == 0) {
      char *argv[] = {self, "status", "12", NULL};
      execv(path, argv);
    }
    int error = errno;
    write(ends[1], &error, sizeof error);
    _exit(127);
  }
  close(ends[1]);
  int error = 0;
  if (read(ends[0], &error, sizeof error) != sizeof error) error = 0;
  close(ends[0]);
  printf("%s\n", error ? error_name(error) : "spawned");
  show("child", child, 0);
  return error;
}

static void spawned(void) {
  spawn(self, 0);
  spawn("absent", 0);
  spawn(self, 1);
  write_file("text", "x");
  spawn("./text", 0);
  // A handler does not run in the one who waits before the child is gone.
  int lowest = open("/dev/null", O_RDONLY);
  close(lowest);
  for (int i = 0; i < 50; i++) {
    fflush(stdout);
#ifdef __wasm__
    pid_t child = (pid_t)raw(vfork);
#else
    pid_t child = vfork();
#endif
    if (child == 0) _exit(i);
    int status;
    if (waitpid(child, &status, 0) != child || status != i << 8) die("a child");
  }
  CHECK(open("/dev/null", O_RDONLY) == lowest);
}

static void of_a_program(void) {
  no_dumps();
  const char *kinds[] = {"segv", "ill", "abort", "term", "exit"};
  for (int i = 0; i < 5; i++) {
    pid_t child = begin();
    if (child == 0) {
      char *argv[] = {self, "ends", (char *)kinds[i], NULL};
      close(2);
      execv(self, argv);
      _exit(1);
    }
    show(kinds[i], child, 0);
  }
}

static int ends(const char *how) {
  if (strcmp(how, "segv") == 0) *(volatile char *)BAD = 1;
  if (strcmp(how, "ill") == 0) ILLEGAL();
  if (strcmp(how, "abort") == 0) raise(SIGABRT);
  if (strcmp(how, "term") == 0) kill(getpid(), SIGTERM);
  return 200;
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc == 3 && strcmp(argv[1], "status") == 0) _exit(atoi(argv[2]));
  if (argc == 3 && strcmp(argv[1], "ends") == 0) _exit(ends(argv[2]));
  if (argc == 2 && strcmp(argv[1], "ignores") == 0) {
    pid_t other = fork();
    if (other == 0) _exit(9);
    _exit(waitpid(other, NULL, 0) < 0 && errno == ECHILD ? 6 : 8);
  }
  if (argc == 2 && strcmp(argv[1], "waits") == 0) {
    write(1, "x", 1);
    for (;;) pause();
  }
  // Shells ignore some for what runs in the background.
  for (int i = 1; i <= 64; i++) signal(i, SIG_DFL);
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"by_signals", by_signals}, {"dumps", dumps},     {"stops", stops},
      {"orphans", orphans},       {"parents", parents}, {"groups", groups},
      {"sessions", sessions},     {"zombies", zombies}, {"bombs", bombs},
      {"spawned", spawned},       {"of_a_program", of_a_program},
  };
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
