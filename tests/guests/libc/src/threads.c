// Threads over __wasm_thread_spawn and futexes.
#include <__lock.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Thread_local int errno;

#define KEYS 32
#define STACK (256 * 1024)
#define GUARD 4096

enum { JOINABLE, DETACHED, EXITED };

// What a new thread finds: the first two words are known to its first instructions.
struct start {
  char *stack;
  char *tls;
  pthread_t self;
};

struct __pthread {
  int tid;
  unsigned state;
  void *result;
  void *(*function)(void *);
  void *argument;
  unsigned long long mask;
  char *block;
  size_t size;
  void *values[KEYS];
  struct start start;
  // The next of those that nobody joins.
  pthread_t next;
};

static struct __pthread first = {.state = JOINABLE};
static _Thread_local pthread_t self;

static unsigned live = 1;
static struct __lock list_lock;
// Detached threads that have ended, whose memory can go.
static pthread_t dead;

static long long futex(unsigned *word, int op, unsigned value, const void *timeout) {
  return wali_sys_futex(word, op | FUTEX_PRIVATE_FLAG, value, (unsigned)(uintptr_t)timeout, NULL,
                        FUTEX_BITSET_MATCH_ANY);
}
static void wait_while(unsigned *word, unsigned value) { futex(word, FUTEX_WAIT, value, NULL); }
static void wake(unsigned *word, unsigned count) { futex(word, FUTEX_WAKE, count, NULL); }
#define ALL 0x7fffffff

// A word is 0, 1 if it is taken, 2 if somebody may wait for it.
static int try_take(unsigned *word) {
  unsigned free = 0;
  return __atomic_compare_exchange_n(word, &free, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
static void take(unsigned *word) {
  if (try_take(word)) return;
  while (__atomic_exchange_n(word, 2, __ATOMIC_SEQ_CST) != 0) wait_while(word, 2);
}
static void release(unsigned *word) {
  if (__atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST) == 2) wake(word, 1);
}
void __lock(struct __lock *lock) { take(&lock->word); }
void __unlock(struct __lock *lock) { release(&lock->word); }

// What the runtime calls, with a stack and thread-local variables that are another thread's
// until both are set.
extern void __thread_start(int tid, struct start *start);
__asm__(".globaltype __stack_pointer, i32\n"
        ".functype __wasm_init_tls (i32) -> ()\n"
        ".functype __thread_run (i32, i32) -> ()\n"
        ".globl __thread_start\n"
        ".type __thread_start,@function\n"
        "__thread_start:\n"
        ".functype __thread_start (i32, i32) -> ()\n"
        "local.get 1\n"
        "i32.load 0\n"
        "global.set __stack_pointer\n"
        "local.get 1\n"
        "i32.load 4\n"
        "call __wasm_init_tls\n"
        "local.get 0\n"
        "local.get 1\n"
        "call __thread_run\n"
        "end_function\n");

void __thread_run(int tid, struct start *start);
void __thread_run(int tid, struct start *start) {
  pthread_t me = self = start->self;
  me->tid = tid;
  wali_sys_rt_sigprocmask(SIG_SETMASK, &me->mask, NULL, 8);
  pthread_exit(me->function(me->argument));
}

pthread_t pthread_self(void) {
  if (!self) {
    self = &first;
    self->tid = gettid();
  }
  return self;
}
int pthread_equal(pthread_t one, pthread_t other) { return one == other; }

static void reap(void) {
  __lock(&list_lock);
  pthread_t list = dead;
  dead = NULL;
  __unlock(&list_lock);
  while (list) {
    pthread_t next = list->next;
    if (list != &first) munmap(list->block, list->size);
    list = next;
  }
}

static size_t round_up(size_t size, size_t to) { return (size + to - 1) / to * to; }

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                   void *argument) {
  pthread_self();
  reap();
  size_t guard = attr ? round_up(attr->guard, 4096) : GUARD;
  size_t stack = round_up(attr && attr->stack ? attr->stack : STACK, 4096);
  size_t size = round_up(guard + stack + __builtin_wasm_tls_size() + sizeof(struct __pthread), 4096);
  char *block = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return EAGAIN;
  if (mprotect(block + guard, size - guard, PROT_READ | PROT_WRITE) != 0) {
    munmap(block, size);
    return EAGAIN;
  }
  pthread_t new = (pthread_t)(block + size - sizeof *new);
  new->block = block;
  new->size = size;
  new->state = attr && attr->detached ? DETACHED : JOINABLE;
  new->function = start;
  new->argument = argument;
  new->start.stack = block + guard + stack;
  // On a page of its own, which is aligned enough.
  new->start.tls = new->start.stack;
  new->start.self = new;
  // Nothing of the guest's runs on the new thread before it is ready.
  unsigned long long all = ~0ull;
  wali_sys_rt_sigprocmask(SIG_SETMASK, &all, &new->mask, 8);
  unsigned long long mask = new->mask;
  __atomic_fetch_add(&live, 1, __ATOMIC_SEQ_CST);
  *thread = new;
  int tid = __wasm_thread_spawn((unsigned)(uintptr_t)__thread_start,
                                (unsigned)(uintptr_t)&new->start);
  // From here on a detached thread may be gone.
  if (tid < 0) {
    __atomic_fetch_sub(&live, 1, __ATOMIC_SEQ_CST);
    munmap(block, size);
  }
  wali_sys_rt_sigprocmask(SIG_SETMASK, &mask, NULL, 8);
  return tid < 0 ? EAGAIN : 0;
}

static void (*destroyers[KEYS])(void *);
static unsigned keys;

int pthread_key_create(pthread_key_t *key, void (*destroy)(void *)) {
  unsigned next = __atomic_fetch_add(&keys, 1, __ATOMIC_SEQ_CST);
  if (next >= KEYS) return EAGAIN;
  destroyers[next] = destroy;
  *key = next;
  return 0;
}
void *pthread_getspecific(pthread_key_t key) { return pthread_self()->values[key]; }
int pthread_setspecific(pthread_key_t key, const void *value) {
  pthread_self()->values[key] = (void *)value;
  return 0;
}
static void destroy_values(pthread_t me) {
  for (int rounds = 0, again = 1; again && rounds < 4; rounds++) {
    again = 0;
    for (unsigned key = 0; key < KEYS; key++) {
      void *value = me->values[key];
      me->values[key] = NULL;
      if (value && destroyers[key]) destroyers[key](value), again = 1;
    }
  }
}

// Says that a thread has ended, and ends it. Once it has said so, its memory may be gone:
// everything here is in registers.
__attribute__((noinline)) static _Noreturn void leave(pthread_t me) {
  unsigned *state = &me->state;
  __lock(&list_lock);
  if (*state == DETACHED) {
    me->next = dead;
    dead = me;
  }
  __atomic_store_n(state, EXITED, __ATOMIC_SEQ_CST);
  __unlock(&list_lock);
  wake(state, ALL);
  for (;;) wali_sys_exit(0);
}

void pthread_exit(void *result) {
  pthread_t me = pthread_self();
  me->result = result;
  destroy_values(me);
  unsigned long long all = ~0ull;
  wali_sys_rt_sigprocmask(SIG_SETMASK, &all, NULL, 8);
  if (__atomic_sub_fetch(&live, 1, __ATOMIC_SEQ_CST) == 0) exit(0);
  leave(me);
}

int pthread_join(pthread_t thread, void **result) {
  if (thread == pthread_self()) return EDEADLK;
  unsigned state;
  while ((state = __atomic_load_n(&thread->state, __ATOMIC_SEQ_CST)) != EXITED) {
    if (state == DETACHED) return EINVAL;
    wait_while(&thread->state, state);
  }
  if (result) *result = thread->result;
  if (thread != &first) munmap(thread->block, thread->size);
  return 0;
}

int pthread_detach(pthread_t thread) {
  __lock(&list_lock);
  unsigned state = JOINABLE;
  int changed = __atomic_compare_exchange_n(&thread->state, &state, DETACHED, 0,
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  __unlock(&list_lock);
  if (!changed && state == DETACHED) return EINVAL;
  if (!changed && thread != &first) munmap(thread->block, thread->size);
  return 0;
}

int pthread_kill(pthread_t thread, int signal) {
  return (int)-wali_sys_tgkill(getpid(), pthread_self() == thread ? gettid() : thread->tid, signal);
}
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
  if (old) memset(old, 0, sizeof *old);
  return (int)-wali_sys_rt_sigprocmask(how, (void *)set, (void *)old, 8);
}

int pthread_attr_init(pthread_attr_t *attr) {
  *attr = (pthread_attr_t){STACK, GUARD, 0};
  return 0;
}
int pthread_attr_destroy(pthread_attr_t *attr) { return (void)attr, 0; }
int pthread_attr_setstacksize(pthread_attr_t *attr, size_t size) {
  if (size < PTHREAD_STACK_MIN) return EINVAL;
  attr->stack = size;
  return 0;
}
int pthread_attr_setguardsize(pthread_attr_t *attr, size_t size) { return attr->guard = size, 0; }
int pthread_attr_setdetachstate(pthread_attr_t *attr, int detached) {
  return attr->detached = detached, 0;
}

int pthread_mutexattr_init(pthread_mutexattr_t *attr) { return attr->type = 0; }
int pthread_mutexattr_destroy(pthread_mutexattr_t *attr) { return (void)attr, 0; }
int pthread_mutexattr_settype(pthread_mutexattr_t *attr, int type) { return attr->type = type, 0; }
int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr) {
  *mutex = (pthread_mutex_t){.type = attr ? attr->type : 0};
  return 0;
}
int pthread_mutex_destroy(pthread_mutex_t *mutex) { return (void)mutex, 0; }

static int mine(pthread_mutex_t *mutex) {
  return mutex->type && __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == pthread_self()->tid;
}
static int lock_mutex(pthread_mutex_t *mutex, int wait) {
  if (mine(mutex)) {
    if (mutex->type == PTHREAD_MUTEX_ERRORCHECK) return wait ? EDEADLK : EBUSY;
    mutex->count++;
    return 0;
  }
  if (wait)
    take(&mutex->word);
  else if (!try_take(&mutex->word))
    return EBUSY;
  if (mutex->type) __atomic_store_n(&mutex->owner, pthread_self()->tid, __ATOMIC_RELAXED);
  return 0;
}
int pthread_mutex_lock(pthread_mutex_t *mutex) { return lock_mutex(mutex, 1); }
int pthread_mutex_trylock(pthread_mutex_t *mutex) { return lock_mutex(mutex, 0); }
int pthread_mutex_unlock(pthread_mutex_t *mutex) {
  if (mutex->type && !mine(mutex)) return EPERM;
  if (mutex->type && mutex->count) {
    mutex->count--;
    return 0;
  }
  if (mutex->type) __atomic_store_n(&mutex->owner, 0, __ATOMIC_RELAXED);
  release(&mutex->word);
  return 0;
}

int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr) {
  (void)attr;
  return cond->changes = 0;
}
int pthread_cond_destroy(pthread_cond_t *cond) { return (void)cond, 0; }
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *until) {
  unsigned before = __atomic_load_n(&cond->changes, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(mutex);
  long long result = futex(&cond->changes, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, before, until);
  pthread_mutex_lock(mutex);
  return result == -ETIMEDOUT ? ETIMEDOUT : 0;
}
int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
  return pthread_cond_timedwait(cond, mutex, NULL);
}
int pthread_cond_signal(pthread_cond_t *cond) {
  __atomic_fetch_add(&cond->changes, 1, __ATOMIC_SEQ_CST);
  wake(&cond->changes, 1);
  return 0;
}
int pthread_cond_broadcast(pthread_cond_t *cond) {
  __atomic_fetch_add(&cond->changes, 1, __ATOMIC_SEQ_CST);
  wake(&cond->changes, ALL);
  return 0;
}

int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr,
                         unsigned count) {
  (void)attr;
  if (!count) return EINVAL;
  *barrier = (pthread_barrier_t){.count = count};
  return 0;
}
int pthread_barrier_destroy(pthread_barrier_t *barrier) {
  // The last to come may still be at the lock.
  pthread_mutex_lock(&barrier->mutex);
  pthread_mutex_unlock(&barrier->mutex);
  return 0;
}
int pthread_barrier_wait(pthread_barrier_t *barrier) {
  pthread_mutex_lock(&barrier->mutex);
  unsigned round = barrier->rounds;
  int last = ++barrier->waiting == barrier->count;
  if (last) {
    barrier->waiting = 0;
    barrier->rounds++;
    pthread_cond_broadcast(&barrier->cond);
  }
  while (barrier->rounds == round) pthread_cond_wait(&barrier->cond, &barrier->mutex);
  pthread_mutex_unlock(&barrier->mutex);
  return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

// 0, 1 while somebody does it, 2.
int pthread_once(pthread_once_t *once, void (*start)(void)) {
  unsigned state = 0;
  if (__atomic_compare_exchange_n(once, &state, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    start();
    __atomic_store_n(once, 2, __ATOMIC_SEQ_CST);
    wake(once, ALL);
    return 0;
  }
  while (__atomic_load_n(once, __ATOMIC_SEQ_CST) != 2) wait_while(once, 1);
  return 0;
}

int sem_init(sem_t *sem, int shared, unsigned value) {
  (void)shared;
  sem->value = value;
  return 0;
}
int sem_destroy(sem_t *sem) { return (void)sem, 0; }
int sem_trywait(sem_t *sem) {
  unsigned value = __atomic_load_n(&sem->value, __ATOMIC_SEQ_CST);
  while (value) {
    if (__atomic_compare_exchange_n(&sem->value, &value, value - 1, 0, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
      return 0;
  }
  return (int)__result(-EAGAIN);
}
int sem_wait(sem_t *sem) {
  while (sem_trywait(sem) != 0) {
    // Not private: semaphores may lie in memory that processes share.
    long long result = wali_sys_futex(&sem->value, FUTEX_WAIT, 0, 0, NULL, 0);
    if (result == -EINTR) return (int)__result(result);
  }
  return 0;
}
int sem_post(sem_t *sem) {
  __atomic_fetch_add(&sem->value, 1, __ATOMIC_SEQ_CST);
  wali_sys_futex(&sem->value, FUTEX_WAKE, 1, 0, NULL, 0);
  return 0;
}

struct __lock __heap_lock, __stdio_lock;

pid_t fork(void) {
  // What other threads hold, nobody would release in the child.
  __lock(&list_lock);
  __lock(&__stdio_lock);
  __lock(&__heap_lock);
  pid_t pid = (pid_t)__result(wali_sys_fork());
  if (pid == 0) {
    live = 1;
    if (self) self->tid = gettid();
  }
  __unlock(&__heap_lock);
  __unlock(&__stdio_lock);
  __unlock(&list_lock);
  return pid;
}
