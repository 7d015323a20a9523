// Waiting for words of memory, by one thread or by several processes.
//
// cases:
//   values: { args: [values] }
//   timeouts: { args: [timeouts] }
//   processes: { args: [processes] }
//   requeue: { args: [requeue] }
//   wake_op: { args: [wake_op] }
//   pi: { args: [pi] }
//   interrupted: { args: [interrupted] }
//   vectors: { args: [vectors] }
//   errors: { args: [errors] }
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#ifndef __wasm__
#include <linux/futex.h>
#ifndef FUTEX2_SIZE_U32
#define FUTEX2_SIZE_U32 2
#endif
#endif
#define PRIVATE FUTEX_PRIVATE_FLAG
#define FUTEX(word, op, val, timeout, word2, val3)                                                 \
  raw(futex, (void *)(word), op, val, (uintptr_t)(timeout), (void *)(word2), val3)

static unsigned *shared;

static void values(void) {
  unsigned word = 1;
  struct timespec zero = {0, 0};
  int flags[] = {0, PRIVATE};
  for (int i = 0; i < 2; i++) {
    RAW(FUTEX(&word, FUTEX_WAIT | flags[i], 0, NULL, NULL, 0));
    RAW(FUTEX(&word, FUTEX_WAIT | flags[i], 1, &zero, NULL, 0));
    RAW(FUTEX(&word, FUTEX_WAKE | flags[i], 1, NULL, NULL, 0));
    RAW(FUTEX(&word, FUTEX_WAKE | flags[i], 0x7fffffff, NULL, NULL, 0));
    RAW(FUTEX(&word, FUTEX_WAIT_BITSET | flags[i], 0, NULL, NULL, FUTEX_BITSET_MATCH_ANY));
    RAW(FUTEX(&word, FUTEX_WAIT_BITSET | flags[i], 1, NULL, NULL, 0));
    RAW(FUTEX(&word, FUTEX_WAKE_BITSET | flags[i], 1, NULL, NULL, 0));
    RAW(FUTEX(&word, FUTEX_WAKE_BITSET | flags[i], 1, NULL, NULL, 3));
  }
}

static long long since(struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - start->tv_sec) * 1000000000ll + now.tv_nsec - start->tv_nsec;
}

static void timeouts(void) {
  unsigned word = 1;
  struct timespec start, some = {0, 60000000}, until, odd = {0, 1000000000}, negative = {-1, 0};
  clock_gettime(CLOCK_MONOTONIC, &start);
  RAW(FUTEX(&word, FUTEX_WAIT, 1, &some, NULL, 0));
  CHECK(since(&start) >= 60000000);
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += 60000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  RAW(FUTEX(&word, FUTEX_WAIT_BITSET | PRIVATE, 1, &until, NULL, 7));
  CHECK(since(&until) >= 0);
  clock_gettime(CLOCK_REALTIME, &until);
  RAW(FUTEX(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, &until, NULL, 7));
  RAW(FUTEX(&word, FUTEX_WAIT, 1, &odd, NULL, 0));
  RAW(FUTEX(&word, FUTEX_WAIT, 1, &negative, NULL, 0));
  RAW(FUTEX(&word, FUTEX_WAIT, 1, BAD, NULL, 0));
}

// A child that waits for a word to change from 0 and ends with what it got.
static pid_t waiter(unsigned *word, int operation, unsigned bits) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    __atomic_add_fetch(shared + 9, 1, __ATOMIC_SEQ_CST);
    long long result = FUTEX(word, operation, 0, NULL, NULL, bits);
    _exit(result == 0 ? 20 : 21);
  }
  return child;
}

// Until so many children wait. Not found by moving them: one that is moved on its way to sleep may
// begin again, with the first word.
static void all_wait(pid_t *children, int count) {
  unsigned volatile *about_to = shared + 9;
  while (*about_to < (unsigned)count) raw(sched_yield);
  for (int i = 0; i < count; i++) until_blocked(children[i]);
}

// Waits for the ends of so many; which have ended, unless any may, and whether others have.
static void show_ended(pid_t *children, int count, int wanted, int any) {
  int status, ended[4] = {0};
  for (int i = 0; i < wanted; i++) {
    pid_t pid = wait(&status);
    for (int j = 0; j < count; j++)
      if (children[j] == pid) ended[j] = 1;
    if (status != 20 << 8) printf("status %x, ", status);
  }
  printf("%d ended", wanted);
  for (int j = 0; !any && j < count; j++)
    if (ended[j]) printf(" %d", j);
  printf(", others: %s\n", libc_outcome(waitpid(-1, &status, WNOHANG)));
}

static void processes(void) {
  pid_t children[4];
  for (int i = 0; i < 4; i++) children[i] = waiter(shared, FUTEX_WAIT_BITSET, i < 2 ? 1 : 2);
  all_wait(children, 4);
  RAW(FUTEX(shared, FUTEX_WAKE_BITSET, 10, NULL, NULL, 4));
  RAW(FUTEX(shared, FUTEX_WAKE_BITSET, 10, NULL, NULL, 1));
  show_ended(children, 4, 2, 0);
  RAW(FUTEX(shared, FUTEX_WAKE, 1, NULL, NULL, 0));
  show_ended(children, 4, 1, 1);
  RAW(FUTEX(shared, FUTEX_WAKE, 10, NULL, NULL, 0));
  show_ended(children, 4, 1, 1);
}

static void requeue(void) {
  pid_t children[4];
  for (int i = 0; i < 4; i++) children[i] = waiter(shared, FUTEX_WAIT, 0);
  all_wait(children, 4);
  RAW(FUTEX(shared, FUTEX_CMP_REQUEUE, 1, 2, shared + 1, 7));
  RAW(FUTEX(shared, FUTEX_CMP_REQUEUE, 1, 2, shared + 1, 0));
  show_ended(children, 4, 1, 1);
  RAW(FUTEX(shared + 1, FUTEX_WAKE, 10, NULL, NULL, 0));
  show_ended(children, 4, 2, 1);
  RAW(FUTEX(shared, FUTEX_REQUEUE, 0, 1, shared + 1, 0));
  RAW(FUTEX(shared + 1, FUTEX_WAKE, 10, NULL, NULL, 0));
  show_ended(children, 4, 1, 1);
  RAW(FUTEX(shared, FUTEX_REQUEUE, -1, 1, shared + 1, 0));
}

static void wake_op(void) {
  pid_t children[2] = {waiter(shared, FUTEX_WAIT, 0), waiter(shared + 1, FUTEX_WAIT, 0)};
  all_wait(children, 2);
  // Adds 5 to the second word, and wakes there if it was 0.
  RAW(FUTEX(shared, FUTEX_WAKE_OP, 10, 10, shared + 1, 1 << 28 | 0 << 24 | 5 << 12 | 0));
  show_ended(children, 2, 2, 0);
  printf("word %u\n", shared[1]);
}

static void pi(void) {
  RAW(FUTEX(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  CHECK((shared[0] & FUTEX_TID_MASK) == (unsigned)gettid());
  RAW(FUTEX(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  RAW(FUTEX(shared, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
  RAW(FUTEX(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  CHECK(shared[0] == 0);
  RAW(FUTEX(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void counts(int signal) { (void)signal, __atomic_add_fetch(&shared[20], 1, __ATOMIC_SEQ_CST); }

static void interrupted(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = counts;
  struct itimerval often = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
  struct timespec some = {1000, 0};
  unsigned word = 1;
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  RAW(FUTEX(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
  RAW(FUTEX(&word, FUTEX_WAIT, 1, &some, NULL, 0));
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  RAW(FUTEX(&word, FUTEX_WAIT, 1, &some, NULL, 0));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    // After a few signals, during which the other comes to wait.
    unsigned volatile *signals = shared + 20;
    for (unsigned first = *signals; *signals < first + 5;) raw(sched_yield);
    *shared = 1;
    FUTEX(shared, FUTEX_WAKE, 1, NULL, NULL, 0);
    _exit(0);
  }
  // A signal between the child's two steps has the wait begin again, with another value.
  long long woken = FUTEX(shared, FUTEX_WAIT, 0, NULL, NULL, 0);
  CHECK(woken == 0 || woken == -EAGAIN);
  setitimer(ITIMER_REAL, &never, NULL);
  wait(NULL);
}

static void vectors(void) {
  struct futex_waitv waiters[3];
  struct timespec soon;
  memset(waiters, 0, sizeof waiters);
  for (int i = 0; i < 3; i++) {
    waiters[i].uaddr = (uintptr_t)(shared + i);
    waiters[i].flags = FUTEX2_SIZE_U32;
  }
  shared[2] = 1;
  RAW(raw(futex_waitv, waiters, 3, 0, NULL, CLOCK_MONOTONIC));
  shared[2] = 0;
  clock_gettime(CLOCK_MONOTONIC, &soon);
  RAW(raw(futex_waitv, waiters, 3, 0, &soon, CLOCK_MONOTONIC));
  RAW(raw(futex_waitv, waiters, 3, 0, &soon, CLOCK_PROCESS_CPUTIME_ID));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    int woken;
    unsigned volatile *over = shared + 21;
    while ((woken = (int)FUTEX(shared + 1, FUTEX_WAKE, 1, NULL, NULL, 0)) == 0 && !*over)
      raw(sched_yield);
    _exit(woken);
  }
  RAW(raw(futex_waitv, waiters, 3, 0, NULL, CLOCK_MONOTONIC));
  shared[21] = 1;
  int status;
  wait(&status);
  printf("woken by %d\n", WEXITSTATUS(status));
  RAW(raw(futex_waitv, waiters, 0, 0, NULL, CLOCK_MONOTONIC));
  RAW(raw(futex_waitv, waiters, 129, 0, NULL, CLOCK_MONOTONIC));
  RAW(raw(futex_waitv, waiters, 3, 1, NULL, CLOCK_MONOTONIC));
  RAW(raw(futex_waitv, NULL, 3, 0, NULL, CLOCK_MONOTONIC));
  RAW(raw(futex_waitv, BAD, 3, 0, NULL, CLOCK_MONOTONIC));
  RAW(raw(futex_waitv, waiters, 3, 0, BAD, CLOCK_MONOTONIC));
  waiters[1].uaddr = (uintptr_t)BAD;
  RAW(raw(futex_waitv, waiters, 3, 0, NULL, CLOCK_MONOTONIC));
  waiters[1].uaddr = (uintptr_t)shared + 1;
  RAW(raw(futex_waitv, waiters, 3, 0, NULL, CLOCK_MONOTONIC));
  waiters[1].uaddr = ~0ull << 12;
  RAW(raw(futex_waitv, waiters, 3, 0, NULL, CLOCK_MONOTONIC));
  waiters[1].uaddr = (uintptr_t)(shared + 1);
  waiters[1].flags = 0x100;
  RAW(raw(futex_waitv, waiters, 3, 0, NULL, CLOCK_MONOTONIC));
  waiters[1].flags = FUTEX2_SIZE_U32;
  waiters[1].__reserved = 1;
  RAW(raw(futex_waitv, waiters, 3, 0, NULL, CLOCK_MONOTONIC));
}

static void errors(void) {
  unsigned words[2] = {0, 0};
  char *odd = (char *)words + 1;
  RAW(FUTEX(odd, FUTEX_WAIT, 0, NULL, NULL, 0));
  RAW(FUTEX(odd, FUTEX_WAKE, 1, NULL, NULL, 0));
  RAW(FUTEX(odd, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0));
  RAW(FUTEX(NULL, FUTEX_WAIT, 0, NULL, NULL, 0));
  RAW(FUTEX(BAD, FUTEX_WAIT, 0, NULL, NULL, 0));
  RAW(FUTEX(BAD, FUTEX_WAIT | PRIVATE, 0, NULL, NULL, 0));
  RAW(FUTEX(BAD, FUTEX_WAKE, 1, NULL, NULL, 0));
  RAW(FUTEX(BAD, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0));
  RAW(FUTEX(BAD, FUTEX_WAKE_BITSET | PRIVATE, 1, NULL, NULL, 1));
  RAW(FUTEX(BAD, FUTEX_REQUEUE | PRIVATE, 1, 1, words, 0));
  RAW(FUTEX(words, FUTEX_REQUEUE | PRIVATE, 1, 1, BAD, 0));
  RAW(FUTEX(BAD, FUTEX_CMP_REQUEUE | PRIVATE, 1, 1, words, 0));
  RAW(FUTEX(words, FUTEX_CMP_REQUEUE | PRIVATE, 1, 1, words, 0));
  RAW(FUTEX(words, FUTEX_WAKE_OP | PRIVATE, 1, 1, BAD, 0));
  RAW(FUTEX(words, FUTEX_FD, 0, NULL, NULL, 0));
  RAW(FUTEX(words, 14, 0, NULL, NULL, 0));
  RAW(FUTEX(words, 100, 0, NULL, NULL, 0));
  RAW(FUTEX(words, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
  // Registering where mutexes are for the kernel to look after is optional.
  CHECK(raw(set_tid_address, (uintptr_t)words) == gettid());
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"values", values},   {"timeouts", timeouts}, {"processes", processes},
      {"requeue", requeue}, {"wake_op", wake_op},   {"pi", pi},
      {"interrupted", interrupted}, {"vectors", vectors}, {"errors", errors},
  };
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
