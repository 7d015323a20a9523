// Processes in all the ways there are to start them.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t last;
static void handler(int signal) { last = signal; }
static void info(int signal, siginfo_t *details, void *context) {
  last = signal + (details->si_pid == getpid() ? 1000 : 0) + (context ? 2000 : 0);
}
static int child(void *argument) { return *(int *)argument + 1; }
static void prepare(void) { printf("prepare "); }
static void parent(void) { printf("parent "); }

int main(void) {
  int status;
  setvbuf(stdout, NULL, _IONBF, 0);
  printf("system: %d\n", system("echo from a shell; exit 3") >> 8);
  FILE *pipe = popen("echo read; exit 4", "r");
  char line[100] = "";
  fgets(line, sizeof line, pipe);
  printf("popen: %.4s %d\n", line, pclose(pipe) >> 8);

  pthread_atfork(prepare, parent, NULL);
  pid_t pid = fork();
  if (pid == 0) _exit(9);
  waitpid(pid, &status, 0);
  printf("fork: %d\n", WEXITSTATUS(status));
  pid = vfork();
  if (pid == 0) {
    execlp("sh", "sh", "-c", "exit 5", (char *)0);
    _exit(1);
  }
  waitpid(pid, &status, 0);
  printf("vfork: %d\n", WEXITSTATUS(status));
  static char stack[65536];
  int value = 20;
  pid = clone(child, stack + sizeof stack, SIGCHLD, &value);
  waitpid(pid, &status, 0);
  printf("clone: %d %d\n", WEXITSTATUS(status), clone(child, NULL, SIGCHLD, &value));

  char *arguments[] = {"sh", "-c", "echo $VARIABLE; exit 6", NULL}, *variables[] = {"VARIABLE=spawned", NULL};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  int error = posix_spawn(&pid, "/bin/sh", &actions, NULL, arguments, variables);
  waitpid(pid, &status, 0);
  printf("spawn: %d %d\n", error, WEXITSTATUS(status));
  printf("spawn: %s\n", strerror(posix_spawnp(&pid, "no-such-program", NULL, NULL, arguments, variables)));

  signal(SIGUSR1, handler);
  raise(SIGUSR1);
  printf("raise: %d\n", last);
  struct sigaction action = {.sa_sigaction = info, .sa_flags = SA_SIGINFO}, old;
  sigaction(SIGUSR2, &action, NULL);
  kill(getpid(), SIGUSR2);
  printf("kill: %d\n", last);
  sigaction(SIGUSR2, NULL, &old);
  printf("old: %d %d\n", old.sa_sigaction == info, old.sa_flags & SA_SIGINFO);
  printf("%d", signal(SIGUSR1, SIG_IGN) == handler);
  raise(SIGUSR1);
  printf(" %d %d\n", signal(SIGUSR1, SIG_DFL) == SIG_IGN, signal(64 + 1, SIG_DFL) == SIG_ERR);
  pid = fork();
  if (pid == 0) abort();
  waitpid(pid, &status, 0);
  printf("abort: %d\n", WTERMSIG(status) == SIGABRT);
  execl("/bin/echo", "echo", "replaced", (char *)0);
  return 1;
}
