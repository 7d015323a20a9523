// execve in a process with threads: only the new program is left, with the process's id.
//
// cases:
//   from_main: { args: [from_main] }
//   from_thread: { args: [from_thread] }
//   fails: { args: [fails] }
//   at_once: { args: [at_once] }
//   masked: { args: [masked] }
//   main_gone: { args: [main_gone] }
#include "threads.h"

static char *program;
static unsigned forever, ready, word;

static void *waits(void *argument) {
  count_up(&ready);
  wait_while(&forever, 0);
  return argument;
}
static void *spins(void *argument) {
  count_up(&ready);
  while (!LOAD(&forever)) {
  }
  return argument;
}
static void some_others(void) {
  for (int i = 0; i < 4; i++) start(i % 2 ? spins : waits, NULL);
  wait_for(&ready, 4);
}
// Several threads may be here at once.
static int run(void) {
  char id[16];
  snprintf(id, sizeof id, "%d", getpid());
  char *arguments[] = {program, "again", id, NULL};
  fflush(stdout);
  return execve(program, arguments, NULL);
}

// What the new program sees.
static int again(const char *before) {
  sigset_t set;
  CHECK(atoi(before) == getpid());
  CHECK(gettid() == getpid());
  sigprocmask(SIG_SETMASK, NULL, &set);
  printf("blocked: %d %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
  sigpending(&set);
  printf("pending: %d %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
  fflush(stdout);
  return 23;
}

static void from_main(void) {
  some_others();
  run();
}
static void *runs(void *argument) {
  run();
  return argument;
}
static void from_thread(void) {
  some_others();
  start(runs, NULL);
  wait_while(&forever, 0);
}

static void *fails_to_run(void *argument) {
  char *none[] = {NULL};
  printf("%s\n", execve("/nonexistent", none, none) == -1 ? error_name(errno) : "?");
  printf("%s\n", execve("/", none, none) == -1 ? error_name(errno) : "?");
  return argument;
}
static void fails(void) {
  some_others();
  for (int i = 0; i < 5; i++) join(start(fails_to_run, NULL));
  CHECK(state_of(getpid()) == 'R');
  STORE(&forever, 1);
  printf("still here\n");
}

static void *runs_soon(void *argument) {
  wait_while(&word, 0);
  run();
  return argument;
}
static void all_run(void) {
  for (int i = 0; i < 8; i++) start(runs_soon, NULL);
  tell(&word, 1);
  wait_while(&forever, 0);
}
static void at_once(void) {
  for (int i = 0; i < 5; i++) in_child("one of them", all_run);
}

static void *runs_masked(void *argument) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_SETMASK, &set, NULL);
  raise(SIGUSR1);
  run();
  return argument;
}
static void masked(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_SETMASK, &set, NULL);
  raise(SIGUSR2);
  start(runs_masked, NULL);
  wait_while(&forever, 0);
}

static void *runs_after_main(void *argument) {
  wait_while(&word, (unsigned)getpid());
  run();
  return argument;
}
static void main_gone(void) {
  word = (unsigned)getpid();
  start(runs_after_main, NULL);
  raw(set_tid_address, (uintptr_t)&word);
  raw(exit, 1);
}

int main(int argc, char **argv) {
  program = argv[0];
  if (argc == 3 && strcmp(argv[1], "again") == 0) return again(argv[2]);
  if (argc != 2) return 2;
  // In a process of its own, since its end counts.
#define CASE(name)                                                                                 \
  if (strcmp(argv[1], #name) == 0) return in_child(#name, name), 0
  if (strcmp(argv[1], "fails") == 0) return fails(), 0;
  if (strcmp(argv[1], "at_once") == 0) return at_once(), 0;
  CASE(from_main);
  CASE(from_thread);
  CASE(masked);
  CASE(main_gone);
  return 2;
}
