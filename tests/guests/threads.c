// Threads: how they begin, what they share, what they leave behind.
//
// cases:
//   results: { args: [results] }
//   storage: { args: [storage] }
//   stacks: { args: [stacks] }
//   detached: { args: [detached] }
//   many: { args: [many] }
//   ids: { args: [ids] }
//   exclusion: { args: [exclusion] }
//   conditions: { args: [conditions] }
//   barriers: { args: [barriers] }
//   tree: { args: [tree] }
//   once: { args: [once] }
//   memory: { args: [memory] }
#include <semaphore.h>

#include "threads.h"

static void *twice(void *argument) { return (void *)(2 * (intptr_t)argument); }
static void *leaves(void *argument) { pthread_exit((char *)argument + 1); }

static void results(void) {
  for (intptr_t i = 0; i < 300; i++)
    if ((intptr_t)join(start(twice, (void *)i)) != 2 * i) printf("wrong result\n");
  CHECK((intptr_t)join(start(leaves, (void *)41)) == 42);
  CHECK((intptr_t)join(start(twice, NULL)) == 0);
  // A thread that has long ended still has a result.
  pthread_t thread = start(twice, (void *)21);
  sched_yield();
  CHECK((intptr_t)join(thread) == 42);
  CHECK(pthread_join(pthread_self(), NULL) == EDEADLK);
}

static _Thread_local int local = 5;
static _Thread_local struct {
  char text[100];
  long long number;
} other = {"other", 77};
static _Thread_local int zero;
static int *where[8];
static pthread_barrier_t together;

static void *looks(void *argument) {
  int i = (int)(intptr_t)argument, good = local == 5 && zero == 0 && other.number == 77;
  good &= strcmp(other.text, "other") == 0 && ((uintptr_t)&other.number & 7) == 0;
  local += i;
  zero = i;
  where[i] = &local;
  pthread_barrier_wait(&together);
  for (int j = 0; j < 8; j++) good &= j == i || where[j] != &local;
  // Each sees what the others have, if it knows where.
  for (int j = 0; j < 8; j++) good &= *where[j] == 5 + j;
  good &= local == 5 + i && zero == i;
  errno = i;
  pthread_barrier_wait(&together);
  return (void *)(intptr_t)(good && errno == i);
}

static void storage(void) {
  pthread_t threads[8];
  pthread_barrier_init(&together, NULL, 8);
  for (intptr_t i = 0; i < 8; i++) threads[i] = start(looks, (void *)i);
  for (int i = 0; i < 8; i++) printf("%d: %d\n", i, (int)(intptr_t)join(threads[i]));
  CHECK(local == 5 && zero == 0);
}

static int deep(int n) {
  volatile char here[1000];
  here[0] = (char)n;
  here[999] = 1;
  return n == 0 ? 0 : deep(n - 1) + here[999];
}
static void *dives(void *argument) { return (void *)(intptr_t)deep((int)(intptr_t)argument); }

static void stacks(void) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  CHECK(pthread_attr_setstacksize(&attr, 4 << 20) == 0);
  CHECK(pthread_attr_setstacksize(&attr, 1000) == EINVAL);
  pthread_t threads[10];
  for (intptr_t i = 0; i < 10; i++)
    if (pthread_create(&threads[i], &attr, dives, (void *)(i * 300))) die("pthread_create");
  for (int i = 0; i < 10; i++) printf("%d\n", (int)(intptr_t)join(threads[i]));
}

static unsigned gone;
static void *says_so(void *argument) {
  pthread_detach(pthread_self());
  count_up(&gone);
  return argument;
}
static void *counts(void *argument) {
  count_up(&gone);
  return argument;
}

static void detached(void) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  for (int i = 0; i < 200; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &attr, counts, NULL)) die("pthread_create");
    start(says_so, NULL);
    pthread_detach(start(counts, NULL));
    if (i % 20 == 0) wait_for(&gone, 3 * (unsigned)i + 3);
  }
  wait_for(&gone, 600);
  printf("all gone\n");
}

static unsigned here;
static void *stays(void *argument) {
  count_up(&here);
  wait_while(argument, 0);
  return argument;
}

static void many(void) {
  static pthread_t threads[500];
  unsigned go = 0;
  for (int i = 0; i < 500; i++) threads[i] = start(stays, &go);
  wait_for(&here, 500);
  tell(&go, 1);
  for (int i = 0; i < 500; i++)
    if (join(threads[i]) != &go) printf("wrong result\n");
  printf("%u\n", here);
}

static int tids[20];
static int own[20];
static void *notes(void *argument) {
  int i = (int)(intptr_t)argument;
  tids[i] = gettid();
  own[i] = getpid() != gettid() && state_of(gettid()) == 'R';
  pthread_barrier_wait(&together);
  pthread_barrier_wait(&together);
  return NULL;
}

static void ids(void) {
  pthread_t threads[20];
  int same = 0;
  CHECK(getpid() == gettid());
  pthread_barrier_init(&together, NULL, 21);
  for (intptr_t i = 0; i < 20; i++) threads[i] = start(notes, (void *)i);
  pthread_barrier_wait(&together);
  for (int i = 0; i < 20; i++) CHECK(own[i]);
  for (int i = 0; i < 20; i++)
    for (int j = 0; j < i; j++) same += tids[i] == tids[j];
  CHECK(same == 0);
  int there = 0;
  for (int i = 0; i < 20; i++) there += raw(tgkill, getpid(), tids[i], 0) == 0;
  CHECK(there == 20);
  pthread_barrier_wait(&together);
  for (int i = 0; i < 20; i++) join(threads[i]);
  for (int i = 0; i < 20; i++) wait_until_gone(tids[i]);
  for (int i = 0; i < 20; i++) there -= raw(tgkill, getpid(), tids[i], 0) == -ESRCH;
  CHECK(there == 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int guarded;
static void *adds(void *argument) {
  pthread_mutex_t *lock = argument;
  for (int i = 0; i < 2000; i++) {
    pthread_mutex_lock(lock);
    guarded++;
    pthread_mutex_unlock(lock);
  }
  return NULL;
}

static void exclusion(void) {
  pthread_t threads[6];
  for (int i = 0; i < 6; i++) threads[i] = start(adds, &mutex);
  for (int i = 0; i < 6; i++) join(threads[i]);
  printf("%d\n", guarded);
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_t twice_over;
  pthread_mutex_init(&twice_over, &attr);
  pthread_mutex_lock(&twice_over);
  CHECK(pthread_mutex_lock(&twice_over) == 0);
  pthread_mutex_unlock(&twice_over);
  pthread_t thread = start(adds, &twice_over);
  CHECK(guarded == 12000);
  pthread_mutex_unlock(&twice_over);
  join(thread);
  printf("%d\n", guarded);
  CHECK(pthread_mutex_trylock(&mutex) == 0);
  CHECK(pthread_mutex_trylock(&mutex) == EBUSY);
}

static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static int slots[4], used, taken, sum;
static void *consumes(void *argument) {
  for (;;) {
    pthread_mutex_lock(&mutex);
    while (used == 0 && taken < 3000) pthread_cond_wait(&filled, &mutex);
    if (used == 0) {
      pthread_mutex_unlock(&mutex);
      return argument;
    }
    sum += slots[--used];
    if (++taken == 3000) pthread_cond_broadcast(&filled);
    pthread_cond_signal(&emptied);
    pthread_mutex_unlock(&mutex);
  }
}
static void *produces(void *argument) {
  for (int i = 0; i < 1000; i++) {
    pthread_mutex_lock(&mutex);
    while (used == 4) pthread_cond_wait(&emptied, &mutex);
    slots[used++] = i;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&mutex);
  }
  return argument;
}

static void conditions(void) {
  pthread_t threads[6];
  for (int i = 0; i < 6; i++) threads[i] = start(i % 2 ? produces : consumes, NULL);
  for (int i = 0; i < 6; i++) join(threads[i]);
  printf("%d %d\n", taken, sum);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  pthread_mutex_lock(&mutex);
  CHECK(pthread_cond_timedwait(&filled, &mutex, &until) == ETIMEDOUT);
  pthread_mutex_unlock(&mutex);
}

static unsigned arrived, serial;
static void *meets(void *argument) {
  int good = 1;
  for (unsigned round = 1; round <= 100; round++) {
    ADD(&arrived, 1);
    if (pthread_barrier_wait(&together) == PTHREAD_BARRIER_SERIAL_THREAD) ADD(&serial, 1);
    good &= LOAD(&arrived) == 5 * round;
    pthread_barrier_wait(&together);
  }
  return good ? argument : NULL;
}

static void barriers(void) {
  pthread_t threads[5];
  pthread_barrier_init(&together, NULL, 5);
  for (int i = 0; i < 5; i++) threads[i] = start(meets, &arrived);
  for (int i = 0; i < 5; i++) CHECK(join(threads[i]) == &arrived);
  pthread_barrier_destroy(&together);
  printf("%u %u\n", arrived, serial);
}

static void *branches(void *argument) {
  intptr_t level = (intptr_t)argument;
  if (level == 0) return (void *)1;
  pthread_t left = start(branches, (void *)(level - 1)), right = start(branches, (void *)(level - 1));
  return (void *)((intptr_t)join(left) + (intptr_t)join(right));
}
static void tree(void) { printf("%d\n", (int)(intptr_t)join(start(branches, (void *)7))); }

static pthread_once_t only = PTHREAD_ONCE_INIT;
static int times;
static void first(void) {
  struct timespec some = {0, 1000000};
  nanosleep(&some, NULL);
  times++;
}
static void *tries(void *argument) {
  pthread_once(&only, first);
  return times == 1 ? argument : NULL;
}
static pthread_key_t key;
static unsigned destroyed;
static void destroy(void *value) { ADD(&destroyed, (unsigned)(uintptr_t)value); }
static void *keeps(void *argument) {
  int had = pthread_getspecific(key) == NULL;
  pthread_setspecific(key, argument);
  return (void *)(intptr_t)(had && pthread_getspecific(key) == argument);
}
static void once(void) {
  pthread_t threads[8];
  for (int i = 0; i < 8; i++) threads[i] = start(tries, &times);
  for (int i = 0; i < 8; i++) CHECK(join(threads[i]) == &times);
  pthread_key_create(&key, destroy);
  for (intptr_t i = 0; i < 8; i++) threads[i] = start(keeps, (void *)(i + 1));
  for (int i = 0; i < 8; i++) CHECK(join(threads[i]) == (void *)1);
  printf("%u\n", destroyed);
}

// Maps, fills, checks and unmaps, in competition with the others.
static void *maps(void *argument) {
  unsigned char mark = (unsigned char)(intptr_t)argument;
  int bad = 0;
  for (int i = 0; i < 200; i++) {
    size_t size = 4096u * (size_t)(1 + (i * 7 + mark) % 9);
    unsigned char *at =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return NULL;
    for (size_t j = 0; j < size; j += 512) bad += at[j] != 0, at[j] = mark;
    sched_yield();
    for (size_t j = 0; j < size; j += 512) bad += at[j] != mark;
    if (i % 3 == 0) {
      at = mremap(at, size, size + 8192, MREMAP_MAYMOVE);
      if (at == MAP_FAILED) return NULL;
      bad += at[0] != mark || at[size] != 0;
      size += 8192;
    }
    bad += munmap(at, size) != 0;
    void *block = malloc(100 + (size_t)i * 1000);
    memset(block, mark, 100);
    free(block);
  }
  return bad ? NULL : argument;
}
static void memory(void) {
  pthread_t threads[6];
  for (intptr_t i = 0; i < 6; i++) threads[i] = start(maps, (void *)(i + 1));
  for (intptr_t i = 0; i < 6; i++) CHECK(join(threads[i]) == (void *)(i + 1));
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
#define CASE(name)                                                                                 \
  if (strcmp(argv[1], #name) == 0) return name(), 0
  CASE(results);
  CASE(storage);
  CASE(stacks);
  CASE(detached);
  CASE(many);
  CASE(ids);
  CASE(exclusion);
  CASE(conditions);
  CASE(barriers);
  CASE(tree);
  CASE(once);
  CASE(memory);
  return 2;
}
