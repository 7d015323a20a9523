// Futexes between threads.
//
// cases:
//   requeue: { args: [requeue] }
//   cmp_requeue: { args: [cmp_requeue] }
//   wake_op: { args: [wake_op] }
//   bitsets: { args: [bitsets] }
//   priorities: { args: [priorities] }
//   atomic: { args: [atomic] }
//   vectors: { args: [vectors] }
//   requeue_pi: { args: [requeue_pi] }
//   unmapped: { args: [unmapped] }
#include "threads.h"

#define ALL 0x7fffffff
static unsigned one, two, awake, started, waiting;
static int private, tids[8];

static void *waits(void *argument) {
  tids[ADD(&waiting, 1) - 1] = gettid();
  count_up(&started);
  long long result = FUTEX(argument, FUTEX_WAIT | private, 0, 0, 0, 0);
  if (result) printf("wait: %s\n", outcome(result));
  count_up(&awake);
  return argument;
}

// Of threads that wait, all of them: one that is moved on its way to sleep may begin again, with the
// first word.
static void move(int operation, unsigned wake, unsigned to_move, unsigned expected) {
  unsigned moved = 0;
  wait_for(&started, expected);
  for (unsigned i = 0; i < expected; i++) until_blocked(tids[i]);
  while (moved < expected) {
    long long n = FUTEX(&one, operation | private, moved ? 0 : wake, to_move - moved, &two, 0);
    if (n < 0) {
      printf("%s\n", outcome(n));
      return;
    }
    moved += (unsigned)n;
    sched_yield();
  }
  printf("moved %u\n", moved);
}
static void requeue_by(int operation) {
  for (int i = 0; i < 2; i++) {
    private = i ? 128 : 0;
    awake = started = waiting = 0;
    pthread_t threads[6];
    for (int j = 0; j < 6; j++) threads[j] = start(waits, &one);
    // The number of those to move is where other operations have a time.
    move(operation, 0, 6, 6);
    RAW(FUTEX(&one, FUTEX_WAKE | private, ALL, 0, 0, 0));
    RAW(FUTEX(&two, FUTEX_WAKE | private, 2, 0, 0, 0));
    wait_for(&awake, 2);
    RAW(FUTEX(&two, FUTEX_WAKE | private, ALL, 0, 0, 0));
    for (int j = 0; j < 6; j++) join(threads[j]);
    printf("%u\n", awake);
  }
}
static void requeue(void) { requeue_by(FUTEX_REQUEUE); }
static void cmp_requeue(void) {
  requeue_by(FUTEX_CMP_REQUEUE);
  RAW(FUTEX(&one, FUTEX_CMP_REQUEUE, 1, 1, &two, 5));
  RAW(FUTEX(&one, FUTEX_CMP_REQUEUE, -1, 1, &two, 0));
  RAW(FUTEX(&one, FUTEX_CMP_REQUEUE, 1, -1, &two, 0));
}

static void wake_op(void) {
  pthread_t threads[4];
  for (int j = 0; j < 4; j++) threads[j] = start(waits, j < 2 ? &one : &two);
  // Adds to the second word, whose waiters are woken if it was less than 1.
  unsigned add = 1u << 28, less = 2u << 24, operation = add | less | 1, woken = 0;
  while (woken < 4) woken += (unsigned)FUTEX(&one, FUTEX_WAKE_OP, 2, 2, &two, operation);
  for (int j = 0; j < 4; j++) join(threads[j]);
  printf("%u %u\n", woken, two);
  RAW(FUTEX(&one, FUTEX_WAKE_OP, 2, 2, &two, operation | 5 << 12));
  printf("%u\n", two);
}

static void *waits_for_bits(void *argument) {
  unsigned bits = 1u << (int)(intptr_t)argument;
  count_up(&started);
  FUTEX(&one, FUTEX_WAIT_BITSET, 0, 0, 0, bits);
  __atomic_fetch_or(&awake, bits, __ATOMIC_SEQ_CST);
  return argument;
}
static void bitsets(void) {
  pthread_t threads[4];
  for (intptr_t j = 0; j < 4; j++) threads[j] = start(waits_for_bits, (void *)j);
  for (int j = 3; j >= 0; j--) {
    while (FUTEX(&one, FUTEX_WAKE_BITSET, ALL, 0, 0, 1u << j) == 0) sched_yield();
    join(threads[j]);
    printf("%x\n", awake);
  }
}

// Locks that the kernel hands on.
static int guarded;
static void pi_lock(unsigned *word) {
  unsigned free = 0;
  if (!__atomic_compare_exchange_n(word, &free, (unsigned)gettid(), 0, __ATOMIC_SEQ_CST,
                                   __ATOMIC_SEQ_CST)) {
    long long result = FUTEX(word, FUTEX_LOCK_PI | private, 0, 0, 0, 0);
    if (result) printf("lock: %s\n", outcome(result));
  }
}
static void pi_unlock(unsigned *word) {
  unsigned mine = (unsigned)gettid();
  if (!__atomic_compare_exchange_n(word, &mine, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    long long result = FUTEX(word, FUTEX_UNLOCK_PI | private, 0, 0, 0, 0);
    if (result) printf("unlock: %s\n", outcome(result));
  }
}
static void *adds(void *argument) {
  for (int i = 0; i < 500; i++) {
    pi_lock(argument);
    if (LOAD((unsigned *)argument) % FUTEX_WAITERS != (unsigned)gettid()) printf("not mine\n");
    int before = guarded;
    if (i % 50 == 0) sched_yield();
    guarded = before + 1;
    pi_unlock(argument);
  }
  return argument;
}
static void priorities(void) {
  for (int i = 0; i < 2; i++) {
    private = i ? 128 : 0;
    pthread_t threads[4];
    for (int j = 0; j < 4; j++) threads[j] = start(adds, &one);
    for (int j = 0; j < 4; j++) join(threads[j]);
    printf("%d %u\n", guarded, one);
  }
  RAW(FUTEX(&one, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
  pi_lock(&one);
  RAW(FUTEX(&one, FUTEX_LOCK_PI, 0, 0, 0, 0));
  RAW(FUTEX(&one, FUTEX_TRYLOCK_PI, 0, 0, 0, 0));
  pi_unlock(&one);
  CHECK(one == 0);
}

// The instructions of WebAssembly and the system call meet.
static void *waits_by_instruction(void *argument) {
  tids[ADD(&waiting, 1) - 1] = gettid();
  count_up(&started);
#ifdef __wasm__
  int result = __builtin_wasm_memory_atomic_wait32(argument, 0, -1);
#else
  long long result = FUTEX(argument, FUTEX_WAIT, 0, 0, 0, 0);
#endif
  if (result) printf("%d\n", (int)result);
  return argument;
}
static unsigned wake_by_instruction(unsigned *word, unsigned count) {
#ifdef __wasm__
  return (unsigned)__builtin_wasm_memory_atomic_notify((int *)word, count);
#else
  return (unsigned)FUTEX(word, FUTEX_WAKE, count, 0, 0, 0);
#endif
}
static void atomic(void) {
  pthread_t threads[6];
  unsigned woken = 0;
  for (int j = 0; j < 6; j++) threads[j] = start(j % 2 ? waits : waits_by_instruction, &one);
  while (woken < 3) woken += (unsigned)FUTEX(&one, FUTEX_WAKE, 1, 0, 0, 0);
  while (woken < 6) woken += wake_by_instruction(&one, 1);
  for (int j = 0; j < 6; j++) join(threads[j]);
  printf("%u\n", woken);
  // An instruction's waiters can be moved.
  started = waiting = 0;
  for (int j = 0; j < 4; j++) threads[j] = start(waits_by_instruction, &one);
  move(FUTEX_REQUEUE, 0, 4, 4);
  printf("%u\n", wake_by_instruction(&two, 3));
  RAW(FUTEX(&two, FUTEX_WAKE, ALL, 0, 0, 0));
  for (int j = 0; j < 4; j++) join(threads[j]);
}

static void *waits_for_any(void *argument) {
  struct futex_waitv waiters[2];
  memset(waiters, 0, sizeof waiters);
  unsigned *words[] = {&one, &two};
  for (int i = 0; i < 2; i++) {
    waiters[i].uaddr = (uintptr_t)words[i];
    waiters[i].flags = 2;
  }
  count_up(&started);
  long long result = raw(futex_waitv, (void *)waiters, 2, 0, 0, 0);
  printf("%s\n", outcome(result));
  return argument;
}
static void vectors(void) {
  for (int i = 0; i < 4; i++) {
    pthread_t thread = start(waits_for_any, NULL);
    while (FUTEX(i % 2 ? &two : &one, FUTEX_WAKE, 1, 0, 0, 0) == 0) sched_yield();
    join(thread);
  }
}

static void *waits_to_lock(void *argument) {
  count_up(&started);
  long long result = FUTEX(&one, FUTEX_WAIT_REQUEUE_PI, 0, 0, &two, 0);
  if (result) printf("wait: %s\n", outcome(result));
  guarded++;
  pi_unlock(&two);
  return argument;
}
static void requeue_pi(void) {
  pthread_t threads[3];
  for (int j = 0; j < 3; j++) threads[j] = start(waits_to_lock, NULL);
  pi_lock(&two);
  for (unsigned moved = 0; moved < 3;) {
    long long n = FUTEX(&one, FUTEX_CMP_REQUEUE_PI, 1, 3, &two, 0);
    if (n < 0 && n != -EAGAIN) {
      printf("%s\n", outcome(n));
      break;
    }
    if (n > 0) moved += (unsigned)n;
    sched_yield();
  }
  pi_unlock(&two);
  for (int j = 0; j < 3; j++) join(threads[j]);
  printf("%d\n", guarded);
}

// Waiting at memory that another thread unmaps.
static void *unmaps(void *argument) {
  munmap(argument, 4096);
  return argument;
}
static void *waits_briefly(void *argument) {
  struct timespec some = {0, 20000000};
  count_up(&started);
  long long result = FUTEX(argument, FUTEX_WAIT, 0, &some, 0, 0);
  if (result != -ETIMEDOUT && result != -EFAULT) printf("%s\n", outcome(result));
  return argument;
}
static void unmapped(void) {
  for (int i = 0; i < 20; i++) {
    unsigned *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t waiter = start(waits_briefly, page);
    if (i % 2) wait_for(&started, 1 + (unsigned)i);
    join(start(unmaps, page));
    join(waiter);
    wait_for(&started, 1 + (unsigned)i);
  }
  RAW(FUTEX(BAD, FUTEX_WAIT, 0, 0, 0, 0));
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
#define CASE(name)                                                                                 \
  if (strcmp(argv[1], #name) == 0) return name(), 0
  CASE(requeue);
  CASE(cmp_requeue);
  CASE(wake_op);
  CASE(bitsets);
  CASE(priorities);
  CASE(atomic);
  CASE(vectors);
  CASE(requeue_pi);
  CASE(unmapped);
  return 2;
}
