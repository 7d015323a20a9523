// Threads and what they have of their own and in common.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_barrier_t barrier;
static pthread_key_t key;
static sem_t semaphore;
static int counted, destroyed, initialised, turn;
static _Thread_local int own = 7;
static _Thread_local char aligned[100] __attribute__((aligned(64))) = "image";

static void destroy(void *value) { __atomic_add_fetch(&destroyed, (int)(intptr_t)value, 5); }
static void initialise(void) { initialised++; }

static void *work(void *argument) {
  int me = (int)(intptr_t)argument;
  pthread_once(&once, initialise);
  pthread_setspecific(key, (void *)(intptr_t)(me + 1));
  own += me;
  aligned[0] = (char)('a' + me);
  errno = me;
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 2000; i++) {
    pthread_mutex_lock(&mutex);
    counted++;
    pthread_mutex_unlock(&mutex);
    pthread_rwlock_rdlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
  }
  pthread_mutex_lock(&mutex);
  while (turn != me) pthread_cond_wait(&condition, &mutex);
  turn++;
  pthread_cond_broadcast(&condition);
  pthread_mutex_unlock(&mutex);
  sem_post(&semaphore);
  int right = errno == me && aligned[0] == 'a' + me && (uintptr_t)aligned % 64 == 0;
  return (void *)(intptr_t)(right ? own : -1);
}

static int c11(void *argument) { return *(int *)argument + 1; }
static void *nothing(void *argument) { return argument; }
static void *detached(void *argument) {
  __atomic_add_fetch((int *)argument, 1, 5);
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  void *result;
  pthread_barrier_init(&barrier, NULL, THREADS);
  pthread_key_create(&key, destroy);
  sem_init(&semaphore, 0, 0);
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i)) abort();
  }
  for (int i = 0; i < THREADS; i++) sem_wait(&semaphore);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], &result);
    printf("%d ", (int)(intptr_t)result);
  }
  printf("| %d %d %d %d\n", counted, destroyed, initialised, own);

  int value = 41, got;
  thrd_t thread;
  thrd_create(&thread, c11, &value);
  thrd_join(thread, &got);
  printf("C11: %d\n", got);

  for (int i = 0; i < 2000; i++) {
    if (pthread_create(&threads[0], NULL, nothing, NULL) || pthread_join(threads[0], NULL)) abort();
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  int ended = 0;
  for (int i = 0; i < 500; i++) {
    while (pthread_create(&threads[0], &attributes, detached, &ended)) sched_yield();
  }
  while (__atomic_load_n(&ended, 5) < 500) usleep(1000);
  printf("detached: %d\n", ended);

  size_t stack;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  pthread_attr_getstacksize(&attributes, &stack);
  printf("stack: %d %s\n", (int)stack, strerror(pthread_attr_setstacksize(&attributes, 1)));
  static char own_stack[200000];
  pthread_attr_setstack(&attributes, own_stack, sizeof own_stack);
  printf("own stack: %d", pthread_create(&threads[0], &attributes, nothing, &value));
  pthread_join(threads[0], &result);
  printf(" %d\n", result == &value);

  struct sched_param parameter = {99};
  pthread_attr_init(&attributes);
  pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(&attributes, 77);
  pthread_attr_setschedparam(&attributes, &parameter);
  printf("policy: %s\n", strerror(pthread_create(&threads[0], &attributes, nothing, NULL)));

  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  pthread_mutex_lock(&mutex);
  printf("timed: %s\n", strerror(pthread_cond_timedwait(&condition, &mutex, &soon)));
  pthread_mutexattr_t robust;
  pthread_mutexattr_init(&robust);
  printf("types: %d %d\n", pthread_mutexattr_settype(&robust, PTHREAD_MUTEX_RECURSIVE),
         pthread_mutexattr_settype(&robust, 9));
  fflush(stdout);
  pthread_create(&threads[0], NULL, nothing, NULL);
  pthread_exit(NULL);
}
