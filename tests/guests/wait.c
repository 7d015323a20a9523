// Waiting for children, and what is learnt about them.
//
// cases:
//   statuses: { args: [statuses] }
//   choices: { args: [choices] }
//   infos: { args: [infos] }
//   usage: { args: [usage] }
//   ignored: { args: [ignored] }
//   handled: { args: [handled] }
//   errors: { args: [errors] }
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static pid_t child(int status) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) _exit(status);
  return pid;
}
static pid_t killed(int signal) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    raise(signal);
    _exit(1);
  }
  return pid;
}

// A child that stops, and ends when the pipe is closed, lest its end hides that it went on.
static pid_t stopped(int ends_at[2]) {
  if (pipe(ends_at) != 0) die("pipe");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    char byte;
    close(ends_at[1]);
    kill(getpid(), SIGSTOP);
    _exit(1 + (int)read(ends_at[0], &byte, 1));
  }
  close(ends_at[0]);
  return pid;
}

static void show(int status) {
  printf("status %x: exited %d %d, signalled %d %d, stopped %d %d, continued %d\n", status & 0xff7f,
         WIFEXITED(status), WEXITSTATUS(status), WIFSIGNALED(status), WTERMSIG(status),
         WIFSTOPPED(status), WSTOPSIG(status), WIFCONTINUED(status));
}

static void statuses(void) {
  int status;
  int ends[] = {0, 1, 77, 255, 256, 511, -1};
  for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
    pid_t pid = child(ends[i]);
    CHECK(waitpid(pid, &status, 0) == pid);
    show(status);
  }
  int signals[] = {SIGTERM, SIGKILL, SIGUSR1, 64};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
    pid_t pid = killed(signals[i]);
    CHECK(wait(&status) == pid);
    show(status);
  }
  int ends_at[2];
  pid_t pid = stopped(ends_at);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid);
  show(status);
  kill(pid, SIGCONT);
  CHECK(waitpid(pid, &status, WCONTINUED) == pid);
  show(status);
  close(ends_at[1]);
  CHECK(waitpid(pid, &status, 0) == pid);
  show(status);
}

static void choices(void) {
  int status;
  LIBC(waitpid(-1, &status, WNOHANG));
  pid_t one = child(1), two = child(2);
  CHECK(waitpid(two, &status, 0) == two);
  show(status);
  CHECK(waitpid(one, NULL, 0) == one);
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    char byte;
    close(ends[1]);
    read(ends[0], &byte, 1);
    _exit(3);
  }
  LIBC(waitpid(pid, &status, WNOHANG));
  LIBC(waitpid(0, &status, WNOHANG));
  siginfo_t info;
  memset(&info, 0xff, sizeof info);
  LIBC(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
  printf("nobody: %d %d\n", info.si_signo, info.si_pid);
  close(ends[1]);
  CHECK(waitpid(-getpgrp(), &status, 0) == pid);
  show(status);
  LIBC(waitpid(pid, &status, 0));
  LIBC(waitpid(1, &status, 0));
}

static void show_info(pid_t pid, int result, siginfo_t *info) {
  printf("%s: signo %d, errno %d, code %d, the child's pid %d, uid %d, status %d\n",
         libc_outcome(result), info->si_signo, info->si_errno, info->si_code, info->si_pid == pid,
         info->si_uid == getuid(), info->si_status);
}

static void infos(void) {
  siginfo_t info;
  pid_t pid = child(300);
  memset(&info, 0xff, sizeof info);
  show_info(pid, waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), &info);
  show_info(pid, waitid(P_ALL, 0, &info, WEXITED), &info);
  pid = killed(SIGTERM);
  show_info(pid, waitid(P_PGID, (id_t)getpgrp(), &info, WEXITED), &info);
  int ends_at[2];
  pid = stopped(ends_at);
  show_info(pid, waitid(P_PID, (id_t)pid, &info, WSTOPPED), &info);
  kill(pid, SIGCONT);
  show_info(pid, waitid(P_PID, (id_t)pid, &info, WCONTINUED), &info);
  close(ends_at[1]);
  int fd = (int)raw(pidfd_open, pid, 0);
  show_info(pid, waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED), &info);
  pid = child(0);
  LIBC(waitid(P_PID, (id_t)pid, NULL, WEXITED));
}

static void usage(void) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    struct timespec start, now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 60);
    _exit(0);
  }
  struct rusage used;
  memset(&used, 0, sizeof used);
  int status;
  CHECK(wait4(pid, &status, 0, &used) == pid);
  long long time = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000ll + used.ru_utime.tv_usec +
                   used.ru_stime.tv_usec;
  CHECK(time >= 50000 && time < 60000000);
  CHECK(used.ru_maxrss > 0);
  pid = child(0);
  memset(&used, 0, sizeof used);
  siginfo_t info;
  RAW(raw(waitid, P_PID, pid, (void *)&info, WEXITED, &used));
  CHECK(used.ru_maxrss > 0);
}

static void ignored(void) {
  int status;
  signal(SIGCHLD, SIG_IGN);
  child(1);
  LIBC(waitpid(-1, &status, 0));
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  action.sa_flags = SA_NOCLDWAIT;
  sigaction(SIGCHLD, &action, NULL);
  child(1);
  LIBC(waitpid(-1, &status, 0));
  action.sa_flags = 0;
  sigaction(SIGCHLD, &action, NULL);
  pid_t pid = child(1);
  CHECK(waitpid(-1, &status, 0) == pid);
}

static volatile pid_t seen_pid;
static volatile int seen, seen_code, seen_status;
static void sees(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  seen++;
  seen_pid = info->si_pid;
  seen_code = info->si_code;
  seen_status = info->si_status;
}

static void handled(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = sees;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGCHLD, &action, NULL);
  for (int stops = 0; stops < 2; stops++) {
    pid_t pid = child(42);
    int status;
    while (waitpid(pid, &status, 0) < 0) {}
    CHECK(seen_pid == pid);
    printf("code %d, status %d\n", seen_code, seen_status);
    pid = killed(SIGKILL);
    while (waitpid(pid, &status, 0) < 0) {}
    CHECK(seen_pid == pid);
    printf("code %d, status %d\n", seen_code, seen_status);
    seen = 0;
    pid = killed(SIGSTOP);
    while (waitpid(pid, &status, WUNTRACED) < 0) {}
    // Whoever waits may see the stop before the signal is sent.
    while (stops == 0 && !seen) raw(sched_yield);
    printf("told of the stop: %d, code %d, status %d\n", seen, seen_code, seen_status);
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0) {}
    action.sa_flags |= SA_NOCLDSTOP;
    sigaction(SIGCHLD, &action, NULL);
  }
}

static void errors(void) {
  int status;
  siginfo_t info;
  LIBC(wait(&status));
  LIBC(waitpid(-1, &status, 0x40));
  LIBC(waitid(P_ALL, 0, &info, 0));
  LIBC(waitid(P_ALL, 0, &info, WEXITED | 0x40));
  LIBC(waitid((idtype_t)9, 0, &info, WEXITED));
  LIBC(waitid(P_PID, 0, &info, WEXITED));
  LIBC(waitid((idtype_t)P_PIDFD, (id_t)-1, &info, WEXITED));
  LIBC(waitid((idtype_t)P_PIDFD, 0, &info, WEXITED));
  RAW(raw(wait4, (pid_t)0x80000000, NULL, 0, NULL));
  pid_t pid = child(0);
  CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
  RAW(raw(wait4, pid, BAD, 0, NULL));
  pid = child(0);
  RAW(raw(waitid, P_PID, pid, BAD, WEXITED, NULL));
  pid = child(0);
  CHECK(raw(wait4, pid, NULL, 0, NULL) == pid);
  pid = child(0);
  RAW(raw(wait4, pid, NULL, 0, BAD));
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"statuses", statuses}, {"choices", choices}, {"infos", infos},   {"usage", usage},
      {"ignored", ignored},   {"handled", handled}, {"errors", errors},
  };
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
