// Processes, programs and threads in a loop: nanoseconds for each, in whichever world this runs.
#ifndef __wasm__
#include <linux/futex.h>
#endif
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "../../guests/common.h"

#define RESIDENT (64 << 20)

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

#define MEASURE(name, rounds, work)                                                               \
  do {                                                                                            \
    long long start = now();                                                                      \
    for (int i = 0; i < (rounds); i++) work;                                                      \
    printf("%s %lld\n", name, (now() - start) * 100 / (rounds));                                  \
    fflush(stdout);                                                                               \
  } while (0)

static void ended(pid_t child) {
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) die("a child");
}

static void forked(void) {
  pid_t child = fork();
  if (child == 0) _exit(0);
  ended(child);
}

static char *resident;
static void forked_and_written(void) {
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 256; i++) resident[i * 4096] = 2;
    _exit(0);
  }
  ended(child);
}

static char *argv[3];
static void run(void) {
  execv(argv[0], argv);
  _exit(1);
}
static void forked_and_run(void) {
  pid_t child = fork();
  if (child == 0) run();
  ended(child);
}
static void vforked_and_run(void) {
#ifdef __wasm__
  pid_t child = (pid_t)raw(vfork);
#else
  pid_t child = vfork();
#endif
  if (child == 0) run();
  ended(child);
}

static void *nothing(void *argument) { return argument; }
static void threaded(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, nothing, NULL) != 0) die("pthread_create");
  pthread_join(thread, NULL);
}

static void *echo(void *pipes) {
  int *ends = pipes;
  char byte;
  while (read(ends[0], &byte, 1) == 1 && byte != 'q')
    if (write(ends[3], &byte, 1) != 1) break;
  return NULL;
}
static void ping(int *ends, char byte) {
  if (write(ends[1], &byte, 1) != 1 || read(ends[2], &byte, 1) != 1) die("a pipe");
}
static void open_pipes(int *ends) {
  int back[2];
  if (pipe(ends) != 0 || pipe(back) != 0) die("pipe");
  ends[2] = back[0], ends[3] = back[1];
}

static int turn;
static long long futex(int op, int value) {
  return raw(futex, (void *)&turn, op, (unsigned)value, 0, 0, 0);
}
static void change_from(int before) {
  while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == before) futex(FUTEX_WAIT | FUTEX_PRIVATE_FLAG, before);
}
static void *answers(void *argument) {
  for (;;) {
    change_from(0);
    if (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == 2) return argument;
    __atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
    futex(FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
  }
}
static void asks(void) {
  __atomic_store_n(&turn, 1, __ATOMIC_RELEASE);
  futex(FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
  change_from(1);
}

static volatile int came;
static void comes(int signal) { (void)signal, came++; }
int main(int argc, char **args) {
  argv[0] = args[0];
  argv[1] = "end";
  if (argc > 1 && strcmp(args[1], "end") == 0) return 0;
  int rounds = argc > 1 ? atoi(args[1]) : 10;
  signal(SIGUSR1, comes);
  MEASURE("raise_and_handle", rounds * 500, raise(SIGUSR1));
  if (came != rounds * 500) die("a signal");
  MEASURE("fork_exit_wait", rounds, forked());
  MEASURE("fork_exec_wait", rounds, forked_and_run());
  MEASURE("vfork_exec_wait", rounds, vforked_and_run());
  resident = mmap(NULL, RESIDENT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < RESIDENT; i += 4096) resident[i] = 1;
  MEASURE("fork_exit_wait_64MiB", rounds, forked());
  MEASURE("fork_write_1MiB_64MiB", rounds, forked_and_written());
  MEASURE("vfork_exec_wait_64MiB", rounds, vforked_and_run());
  munmap(resident, RESIDENT);
  int ends[4];
  open_pipes(ends);
  pid_t child = fork();
  if (child == 0) echo(ends), _exit(0);
  MEASURE("pipe_between_processes", rounds * 50, ping(ends, 'x'));
  if (write(ends[1], "q", 1) != 1) die("write");
  ended(child);
  MEASURE("thread_create_join", rounds * 5, threaded());
  pthread_t thread;
  open_pipes(ends);
  pthread_create(&thread, NULL, echo, ends);
  MEASURE("pipe_between_threads", rounds * 50, ping(ends, 'x'));
  if (write(ends[1], "q", 1) != 1) die("write");
  pthread_join(thread, NULL);
  pthread_create(&thread, NULL, answers, NULL);
  MEASURE("futex_between_threads", rounds * 50, asks());
  __atomic_store_n(&turn, 2, __ATOMIC_RELEASE);
  futex(FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
  pthread_join(thread, NULL);
  return 0;
}
