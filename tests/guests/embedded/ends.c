// Ends in the way that its argument names, while other threads wait in ways of their own.
#include "../threads.h"

static unsigned forever, ready, first;
static int pipes[2];

static void *reads(void *argument) {
  char byte;
  count_up(&ready);
  read(pipes[0], &byte, 1);
  return argument;
}
static void *waits(void *argument) {
  count_up(&ready);
  wait_while(&forever, 0);
  return argument;
}
static void *spins(void *argument) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  count_up(&ready);
  while (!LOAD(&forever)) {
  }
  return argument;
}
static void *waits_by_instruction(void *argument) {
  static long long word;
  count_up(&ready);
  for (;;) __builtin_wasm_memory_atomic_wait64(&word, 0, -1);
  return argument;
}
static void *sleeps(void *argument) {
  struct timespec wait = {100000, 0};
  count_up(&ready);
  nanosleep(&wait, NULL);
  return argument;
}
static void *does(void *argument) {
  const char *how = argument;
  if (strcmp(how, "exit") == 0) _exit(5);
  if (strcmp(how, "trap") == 0) __builtin_trap();
  raw(exit, 6);
  return NULL;
}
static void *ends_last(void *argument) {
  wait_while(&ready, first);
  // The end of a thread wakes one.
  tell(&ready, 0);
  raw(exit, 7);
  return argument;
}

int main(int argc, char **argv) {
  if (argc != 2 || pipe(pipes) != 0) return 2;
  const char *how = argv[1];
  if (strcmp(how, "last") == 0) {
    ready = first = (unsigned)gettid();
    raw(set_tid_address, (uintptr_t)&ready);
    for (int i = 0; i < 10; i++) start(ends_last, NULL);
    raw(exit, 1);
  }
  void *(*ways[])(void *) = {reads, waits, spins, waits_by_instruction, sleeps};
  for (unsigned i = 0; i < 10; i++) start(ways[i % 5], NULL);
  wait_for(&ready, 10);
  if (strcmp(how, "main") == 0) return 4;
  if (strcmp(how, "gone") == 0) raw(exit, 1);
  start(does, argv[1]);
  for (;;) pause();
}
