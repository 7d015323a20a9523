// Job control on a terminal of the program's own: a session with foreground and background
// groups, as a shell makes them. What is printed is what the shell sees.
//
// cases:
//   shell: { args: [shell] }
//   background: { args: [background] }
//   orphans: { args: [orphans] }
//   hangup: { args: [hangup] }
//   window: { args: [window] }
//   keys: { args: [keys] }
//   controlling: { args: [controlling] }
//   handlers: { args: [handlers] }
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"
#ifndef __wasm__
#include <termios.h>
#endif

// As libc's, which the small one has not.
static int request(int fd, unsigned what, uintptr_t argument) {
#ifdef __wasm__
  long long result = raw(ioctl, fd, what, argument);
#else
  long long result = raw(ioctl, fd, (unsigned long)what, argument);
#endif
  if (result >= 0) return (int)result;
  errno = (int)-result;
  return -1;
}
#define ioctl(fd, what, argument) request(fd, what, (uintptr_t)(argument))

static int master, terminal;
static char path[32];
static struct {
  volatile int step, handled, result;
} *shared;

static void must(const char *what, long long result) {
  if (result >= 0) return;
  printf("%s: %s\n", what, libc_outcome(result));
  fflush(stdout);
  _exit(1);
}

static char state(pid_t pid) {
  char name[64], text[512];
  snprintf(name, sizeof name, "/proc/%d/stat", pid);
  int fd = open(name, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  char *end = strrchr(text, ')');
  return end ? end[2] : 0;
}
static void brief(void) {
  struct timespec time = {0, 100000};
  while (nanosleep(&time, &time) != 0) {}
}
static void until_asleep(pid_t pid) {
  while (state(pid) != 'S') brief();
}
// Until a child has said that it is about to wait, and does.
static void until_it_waits(pid_t pid) {
  while (shared->step != 1) brief();
  shared->step = 0;
  until_asleep(pid);
}

static pid_t foreground(void) {
  int group = 0;
  if (ioctl(terminal, TIOCGPGRP, &group) != 0) return -errno;
  return group;
}
static int set_foreground(pid_t group) {
  int value = group;
  return ioctl(terminal, TIOCSPGRP, &value);
}

// A terminal, of which nobody's session knows.
static void open_terminal(void) {
  must("ptmx", master = open("/dev/ptmx", O_RDWR | O_NOCTTY));
  int zero = 0, number;
  must("unlock", ioctl(master, TIOCSPTLCK, &zero));
  must("number", ioctl(master, TIOCGPTN, &number));
  snprintf(path, sizeof path, "/dev/pts/%d", number);
}

// A child that leads a session on the terminal, in `leader`; its parent holds the other side.
static int session(void (*leader)(void)) {
  open_terminal();
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    must("setsid", setsid());
    must("pts", terminal = open(path, O_RDWR));
    leader();
    fflush(stdout);
    _exit(0);
  }
  int status;
  must("waitpid", waitpid(child, &status, 0));
  return status;
}

static const char *ended(int status) {
  static char text[64];
  if (WIFEXITED(status)) snprintf(text, sizeof text, "exited %d", WEXITSTATUS(status));
  else if (WIFSIGNALED(status)) snprintf(text, sizeof text, "killed by %d", WTERMSIG(status));
  else if (WIFSTOPPED(status)) snprintf(text, sizeof text, "stopped by %d", WSTOPSIG(status));
  else if (WIFCONTINUED(status)) snprintf(text, sizeof text, "continued");
  else snprintf(text, sizeof text, "%x", status);
  return text;
}
static int await(pid_t pid, const char *what) {
  int status = 0;
  long long result = waitpid(pid, &status, WUNTRACED | WCONTINUED);
  printf("%s: %s\n", what, result < 0 ? libc_outcome(result) : ended(status));
  return status;
}

// A job in a group of its own; the group is set on both sides, as shells do.
static pid_t job(void (*what)(void), int front) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    if (front) {
      signal(SIGTTOU, SIG_IGN);
      set_foreground(getpid());
      signal(SIGTTOU, SIG_DFL);
    }
    what();
    fflush(stdout);
    _exit(0);
  }
  setpgid(pid, pid);
  if (front) set_foreground(pid);
  return pid;
}
static void type(const char *keys) { must("keys", write(master, keys, strlen(keys))); }

static void sleeps(void) {
  shared->step = 1;
  for (;;) pause();
}
static void naps(void) {
  // Until the other side says so, whatever interrupts.
  shared->step = 1;
  while (shared->step != 2) brief();
  _exit(7);
}
static void reads_line(void) {
  char line[16];
  shared->step = 1;
  ssize_t n = read(terminal, line, sizeof line);
  _exit(n == 3 ? 5 : n < 0 ? errno : 9);
}

// sleep; ^Z; bg; fg; ^C
static void as_shell(void) {
  signal(SIGTTOU, SIG_IGN), signal(SIGTTIN, SIG_IGN), signal(SIGTSTP, SIG_IGN);
  CHECK(getsid(0) == getpid());
  CHECK(getpgrp() == getpid());
  CHECK(foreground() == getpid());
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    set_foreground(getpid());
    signal(SIGTTOU, SIG_DFL), signal(SIGTTIN, SIG_DFL), signal(SIGTSTP, SIG_DFL);
    naps();
  }
  setpgid(pid, pid);
  set_foreground(pid);
  while (shared->step != 1) brief();
  CHECK(foreground() == pid);
  type("\032");
  await(pid, "^Z");
  CHECK(state(pid) == 'T');
  LIBC(set_foreground(getpid()));
  CHECK(foreground() == getpid());
  LIBC(kill(-pid, SIGCONT));
  await(pid, "bg");
  LIBC(kill(-pid, SIGTSTP));
  await(pid, "stopped again");
  LIBC(set_foreground(pid));
  LIBC(kill(-pid, SIGCONT));
  await(pid, "fg");
  type("\032");
  await(pid, "^Z");
  kill(-pid, SIGCONT);
  await(pid, "fg");
  shared->step = 2;
  await(pid, "end");
  LIBC(set_foreground(getpid()));
  // A second one, which ^C ends; a third, which ^\ does.
  pid = job(sleeps, 1);
  until_it_waits(pid);
  type("\003");
  await(pid, "^C");
  struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  pid = job(sleeps, 1);
  until_it_waits(pid);
  type("\034");
  await(pid, "^\\");
  LIBC(set_foreground(getpid()));
  // A foreground job that reads.
  pid = job(reads_line, 1);
  until_it_waits(pid);
  type("ab\n");
  await(pid, "reader");
  LIBC(set_foreground(getpid()));
  LIBC(waitpid(-1, NULL, WNOHANG));
}
static void shell(void) { printf("leader: %s\n", ended(session(as_shell))); }

static void writes_to_terminal(void) {
  ssize_t n = write(terminal, "x", 1);
  _exit(n == 1 ? 5 : errno);
}
static void sets_foreground(void) { _exit(set_foreground(getpgrp()) == 0 ? 5 : errno); }
static void counts(int signal) { (void)signal, shared->handled++; }
static void handle(int signal, int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = counts;
  action.sa_flags = flags;
  sigaction(signal, &action, NULL);
}
static void reads_handled(void) {
  handle(SIGTTIN, 0);
  reads_line();
}
static void reads_ignoring(void) {
  signal(SIGTTIN, SIG_IGN);
  reads_line();
}
static void reads_blocking(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTTIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  reads_line();
}
static void writes_ignoring(void) {
  signal(SIGTTOU, SIG_IGN);
  writes_to_terminal();
}
static void tostop(int on) {
  struct termios attributes;
  must("TCGETS", ioctl(terminal, TCGETS, &attributes));
  if (on) attributes.c_lflag |= TOSTOP;
  else attributes.c_lflag &= ~(unsigned)TOSTOP;
  must("TCSETS", ioctl(terminal, TCSETS, &attributes));
}
static void in_background(void) {
  pid_t pid = job(reads_line, 0);
  await(pid, "reads");
  // Into the foreground: the read is made again.
  set_foreground(pid);
  kill(pid, SIGCONT);
  await(pid, "continued");
  type("ab\n");
  await(pid, "has read");
  signal(SIGTTOU, SIG_IGN);
  LIBC(set_foreground(getpid()));
  signal(SIGTTOU, SIG_DFL);
  pid = job(reads_handled, 0);
  await(pid, "reads with a handler");
  printf("handled %d\n", shared->handled);
  await(job(reads_ignoring, 0), "reads and ignores");
  await(job(reads_blocking, 0), "reads and blocks");
  await(job(writes_to_terminal, 0), "writes");
  tostop(1);
  pid = job(writes_to_terminal, 0);
  await(pid, "writes under TOSTOP");
  kill(pid, SIGKILL);
  await(pid, "killed");
  await(job(writes_ignoring, 0), "writes and ignores");
  tostop(0);
  pid = job(sets_foreground, 0);
  await(pid, "takes the foreground");
  kill(pid, SIGKILL);
  await(pid, "killed");
  CHECK(foreground() == getpid());
  LIBC(set_foreground(0x7ffffff0));
  LIBC(set_foreground(-1));
}
static void background(void) { printf("leader: %s\n", ended(session(in_background))); }

// A stopped member of a group that becomes an orphan is hung up and continued; orphans that
// read are told so, and the keys that stop do not stop them.
static void waits_stopped(void) {
  handle(SIGHUP, 0), handle(SIGCONT, 0);
  shared->step = 1;
  raise(SIGSTOP);
  while (shared->handled < 2) brief();
  shared->step = 3;
  char byte;
  ssize_t n = read(terminal, &byte, 1);
  shared->result = n < 0 ? errno : 1000;
  raise(SIGTSTP);
  shared->step = 4;
  _exit(0);
}
static void parent_of_orphan(void) {
  pid_t child = fork();
  if (child == 0) waits_stopped();
  int status;
  waitpid(child, &status, WUNTRACED);
  printf("grandchild %s\n", ended(status));
}
static void makes_orphans(void) {
  pid_t pid = job(parent_of_orphan, 0);
  await(pid, "its parent");
  while (shared->step != 4) brief();
  printf("handled %d, read: %s, not stopped\n", shared->handled, error_name(shared->result));
}
static void orphans(void) { printf("leader: %s\n", ended(session(makes_orphans))); }

// The terminal goes: the leader and the foreground hear of it.
static void hears_hangup(void) {
  handle(SIGHUP, 0);
  shared->step++;
  while (shared->handled == 0) brief();
  char byte;
  ssize_t n = read(terminal, &byte, 1);
  shared->result = (int)n;
  ssize_t wrote = write(terminal, &byte, 1);
  printf("handled %d, read %d, write %s\n", shared->handled, (int)n, libc_outcome(wrote));
}
static void hangup(void) {
  open_terminal();
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    close(master);
    setsid();
    must("pts", terminal = open(path, O_RDWR));
    hears_hangup();
    fflush(stdout);
    _exit(0);
  }
  while (shared->step != 1) brief();
  close(master);
  await(child, "leader");
  // One that does nothing about it.
  shared->step = 0;
  open_terminal();
  child = fork();
  if (child == 0) {
    close(master);
    setsid();
    must("pts", terminal = open(path, O_RDWR));
    shared->step = 1;
    for (;;) pause();
  }
  while (shared->step != 1) brief();
  close(master);
  await(child, "leader");
  // The end of a leader hangs up its foreground.
  open_terminal();
  shared->step = 0;
  child = fork();
  if (child == 0) {
    setsid();
    must("pts", terminal = open(path, O_RDWR));
    pid_t member = fork();
    if (member == 0) {
      signal(SIGHUP, SIG_DFL);
      shared->result = getpid();
      shared->step = 1;
      for (;;) pause();
    }
    while (shared->step != 1) brief();
    _exit(3);
  }
  await(child, "leader");
  char now;
  while ((now = state(shared->result)) != 0 && now != 'Z') brief();
  printf("its group has gone, too\n");
}

// A window's size: the foreground hears of changes, and of those only.
static void sizes(void) {
  struct winsize size = {24, 80, 0, 0};
  signal(SIGTTOU, SIG_IGN);
  handle(SIGWINCH, SA_RESTART);
  for (int i = 0; i < 4; i++) {
    if (i == 2) size.ws_row = 25;
    LIBC(ioctl(i % 2 ? master : terminal, TIOCSWINSZ, &size));
    printf("%d times\n", shared->handled);
  }
  struct winsize got;
  LIBC(ioctl(terminal, TIOCGWINSZ, &got));
  printf("%d %d\n", got.ws_row, got.ws_col);
}
static void window(void) { printf("leader: %s\n", ended(session(sizes))); }

// Keys mean signals as long as ISIG is set, and what is typed before is lost.
static volatile int seen[32];
static void sees(int signal) { seen[signal]++; }
static void signals_of_keys(void) {
  int of[] = {SIGINT, SIGQUIT, SIGTSTP};
  for (int i = 0; i < 3; i++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = sees;
    sigaction(of[i], &action, NULL);
  }
  type("abc\003");
  type("de\034");
  type("\032fg\n");
  char line[16];
  ssize_t n;
  while ((n = read(terminal, line, sizeof line)) < 0 && errno == EINTR) {}
  printf("INT %d, QUIT %d, TSTP %d, read %d: %.2s\n", seen[SIGINT], seen[SIGQUIT], seen[SIGTSTP],
         (int)n, line);
  struct termios attributes;
  LIBC(ioctl(terminal, TCGETS, &attributes));
  attributes.c_lflag &= ~(unsigned)ISIG;
  LIBC(ioctl(terminal, TCSETS, &attributes));
  type("\003\n");
  n = read(terminal, line, sizeof line);
  printf("INT %d, read %d: %d\n", seen[SIGINT], (int)n, line[0]);
  // By request of the other side, whatever the attributes.
  int asked = ioctl(master, TIOCSIG, SIGQUIT);
  LIBC(asked);
  while (asked == 0 && seen[SIGQUIT] < 2) brief();
  printf("QUIT %d\n", seen[SIGQUIT]);
}
static void keys(void) { printf("leader: %s\n", ended(session(signals_of_keys))); }

// Who may have a controlling terminal, and how it is given up.
static void controls(void) {
  int tty;
  LIBC(tty = open("/dev/tty", O_RDWR) >= 0);
  LIBC(ioctl(terminal, TIOCSCTTY, 0));
  int sid = 0;
  LIBC(ioctl(terminal, TIOCGSID, &sid));
  CHECK(sid == getpid());
  LIBC(setsid() == getpid());
  LIBC(setpgid(0, 0));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    // Not the leader: it gives up its own only.
    LIBC(ioctl(terminal, TIOCNOTTY, 0));
    LIBC(open("/dev/tty", O_RDWR));
    LIBC(ioctl(terminal, TIOCSCTTY, 0));
    LIBC(setsid() == getpid());
    LIBC(ioctl(terminal, TIOCSCTTY, 0));
    LIBC(foreground());
    fflush(stdout);
    _exit(0);
  }
  await(child, "child");
  // The leader gives it up for all of its session, which it hangs up.
  handle(SIGHUP, 0), handle(SIGCONT, 0);
  LIBC(ioctl(terminal, TIOCNOTTY, 0));
  printf("handled %d\n", shared->handled);
  LIBC(open("/dev/tty", O_RDWR));
  LIBC(foreground());
  LIBC(ioctl(terminal, TIOCSCTTY, 0));
  CHECK(foreground() == getpid());
}
static void controlling(void) { printf("leader: %s\n", ended(session(controls))); }

// Handlers of stop signals, which stop in earnest after what they have to do.
static void stops_itself(int signal) {
  shared->handled++;
  struct sigaction action, old;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, &old);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  raise(signal);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  // Stopped here, and continued.
  shared->handled += 10;
  sigaction(signal, &old, NULL);
}
static void edits(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = stops_itself;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTSTP, &action, NULL);
  handle(SIGCONT, SA_RESTART);
  reads_line();
}
static void handles(void) {
  signal(SIGTTOU, SIG_IGN);
  pid_t pid = job(edits, 1);
  until_it_waits(pid);
  for (int i = 0; i < 3; i++) {
    type("\032");
    await(pid, "^Z");
    printf("handled %d\n", shared->handled);
    kill(-pid, SIGCONT);
    await(pid, "fg");
    // Two handlers, one of which ends with a ten.
    while (shared->handled < 12 * (i + 1)) brief();
    until_asleep(pid);
    printf("handled %d\n", shared->handled);
  }
  type("ab\n");
  await(pid, "end");
  set_foreground(getpid());
}
static void handlers(void) { printf("leader: %s\n", ended(session(handles))); }

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"shell", shell}, {"background", background}, {"orphans", orphans},
      {"hangup", hangup}, {"window", window}, {"keys", keys},
      {"controlling", controlling}, {"handlers", handlers},
  };
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
