// Cancellation: before, during and after calls that block, deferred, disabled and at once.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int pipes[2];
static volatile int ready, cleaned;

static void clean(void *argument) { cleaned += (int)(intptr_t)argument; }

static void *blocks(void *argument) {
  char byte;
  pthread_cleanup_push(clean, (void *)1);
  ready = 1;
  read(pipes[0], &byte, 1);
  pthread_cleanup_pop(0);
  return argument;
}
static void *waits(void *argument) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(clean, (void *)10);
  ready = 1;
  for (;;) pthread_cond_wait(&condition, &mutex);
  pthread_cleanup_pop(0);
  return argument;
}
static void *sleeps(void *argument) {
  ready = 1;
  sleep(1000);
  return argument;
}
static void *spins(void *argument) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  ready = 1;
  for (volatile int i = 0;; i++) {
  }
  return argument;
}
static void *tests(void *argument) {
  ready = 1;
  for (;;) pthread_testcancel();
  return argument;
}
static void *disabled(void *argument) {
  char byte = 0;
  int old;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
  ready = 1;
  long got = read(pipes[0], &byte, 1);
  printf("disabled: %d %c %d\n", (int)got, byte, old == PTHREAD_CANCEL_ENABLE);
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  pthread_testcancel();
  return argument;
}

static void cancelled(const char *name, void *(*function)(void *), int early) {
  pthread_t thread;
  void *result;
  ready = cleaned = 0;
  if (pthread_create(&thread, NULL, function, NULL)) abort();
  while (!early && !ready) usleep(1000);
  if (!early) usleep(20000);
  pthread_cancel(thread);
  if (function == disabled) usleep(20000), write(pipes[1], "x", 1);
  pthread_join(thread, &result);
  printf("%s: %s, cleaned %d\n", name, result == PTHREAD_CANCELED ? "cancelled" : "not", cleaned);
}

int main(void) {
  pipe(pipes);
  cancelled("read", blocks, 0);
  cancelled("condition", waits, 0);
  cancelled("sleep", sleeps, 0);
  cancelled("sleep, early", sleeps, 1);
  cancelled("spin", spins, 0);
  cancelled("test", tests, 0);
  cancelled("disabled", disabled, 0);
  return 0;
}
