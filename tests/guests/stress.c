// Forks, programs, threads, signals and mappings all at once and at random; everything that comes
// of it must be right, nobody lost, and nothing left behind. Arguments: seconds, and a seed.
//
// cases:
//   short: { args: ["2", "1"], stdout: "nothing lost, nothing left\n" }
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

enum { WORKERS = 4, ROUNDS = 6, WARM = 2, KINDS = 10 };

static char *self;
static volatile int begun, running;
static volatile unsigned handled;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long long guarded;
static unsigned *in_common;
static unsigned long long seed;

struct worker {
  pthread_t thread;
  unsigned long long state;
  unsigned added, children;
  long long done[KINDS];
  volatile unsigned canary[64];
};
static struct worker workers[WORKERS];

static void fail(const char *what, long long got, long long wanted) {
  static char text[200];
  int length = snprintf(text, sizeof text, "%s: %lld instead of %lld (%s)\n", what, got, wanted,
                        error_name(errno));
  write(2, text, (size_t)length);
  _exit(1);
}
static void expect(const char *what, long long got, long long wanted) {
  if (got != wanted) fail(what, got, wanted);
}

static unsigned chance(struct worker *worker, unsigned below) {
  worker->state ^= worker->state << 13;
  worker->state ^= worker->state >> 7;
  worker->state ^= worker->state << 17;
  return (unsigned)(worker->state >> 20) % below;
}

static void handler(int signal) {
  (void)signal;
  handled++;
}

// A child whose end must be the one that is foretold.
static pid_t begin(void) {
  pid_t child;
  // There may be no room for the moment.
  while ((child = fork()) < 0) {
    if (errno != EAGAIN) fail("fork", errno, 0);
    sched_yield();
  }
  return child;
}
static void ends(struct worker *worker, pid_t child, int wanted) {
  int status = -1;
  pid_t got;
  while ((got = waitpid(child, &status, 0)) < 0 && errno == EINTR) {}
  expect("waitpid", got, child);
  // Without the bit for a dump of the memory.
  expect("status", status & ~0x80, wanted);
  worker->children++;
}

static void forks(struct worker *worker) {
  unsigned mark = chance(worker, 1 << 30), status = chance(worker, 256);
  worker->canary[7] = mark;
  pid_t child = begin();
  if (child == 0) {
    if (worker->canary[7] != mark) _exit((int)(status + 1) & 255);
    worker->canary[7] = ~mark;
    _exit((int)status);
  }
  ends(worker, child, (int)status << 8);
  expect("what the child has written", worker->canary[7], mark);
}

static void adds_in_common(struct worker *worker) {
  unsigned count = chance(worker, 100) + 1;
  pid_t child = begin();
  if (child == 0) {
    for (unsigned i = 0; i < count; i++) __atomic_fetch_add(in_common, 1, __ATOMIC_RELAXED);
    _exit(0);
  }
  worker->added += count;
  ends(worker, child, 0);
}

static void kills(struct worker *worker) {
  static const int signals[] = {SIGKILL, SIGTERM, SIGINT, SIGABRT, SIGSEGV, SIGBUS, 40};
  int signal = signals[chance(worker, sizeof signals / sizeof *signals)];
  pid_t child = begin();
  if (child == 0) {
    if (chance(worker, 2)) {
      for (;;) pause();
    }
    for (volatile int turns = 0;; turns++) {}
  }
  expect("kill", kill(child, signal), 0);
  ends(worker, child, signal);
}

static void runs(struct worker *worker) {
  char kind[16], number[16];
  unsigned how = chance(worker, 5), status = chance(worker, 256);
  snprintf(kind, sizeof kind, "%u", how);
  snprintf(number, sizeof number, "%u", status);
  char *argv[] = {self, "child", kind, number, NULL};
  int use_vfork = (int)chance(worker, 2);
#ifdef __wasm__
  pid_t child = use_vfork ? (pid_t)raw(vfork) : begin();
#else
  pid_t child = use_vfork ? vfork() : begin();
#endif
  if (child == 0) {
    execv(self, argv);
    _exit(255);
  }
  if (child < 0) return;
  ends(worker, child, how == 3 ? SIGSEGV : how == 4 ? SIGTERM : (int)status << 8);
}

static void maps(struct worker *worker) {
  size_t pages = 1 + chance(worker, 64), size = pages * 4096;
  unsigned char mark = (unsigned char)(1 + chance(worker, 255));
  unsigned char *at =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) fail("mmap", errno, 0);
  for (size_t i = 0; i < size; i += 512) expect("a fresh page", at[i], 0);
  memset(at, mark, size);
  expect("mprotect", mprotect(at, size, PROT_READ), 0);
  size_t larger = size + (1 + chance(worker, 64)) * 4096;
  unsigned char *moved = mremap(at, size, larger, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) fail("mremap", errno, 0);
  for (size_t i = 0; i < size; i += 64) expect("what was written", moved[i], mark);
  for (size_t i = size; i < larger; i += 4096) expect("a page that came", moved[i], 0);
  // A hole, into which others may map from then on, and what is left on its two sides.
  size_t hole = chance(worker, (unsigned)(larger / 4096)) * 4096, behind = hole + 4096;
  expect("munmap", munmap(moved + hole, 4096), 0);
  if (hole > 0) expect("munmap", munmap(moved, hole), 0);
  if (behind < larger) expect("munmap", munmap(moved + behind, larger - behind), 0);
}

static void *sums(void *argument) {
  struct worker *worker = argument;
  unsigned long long sum = 0;
  for (unsigned i = 0; i < 64; i++) sum += worker->canary[i];
  return (void *)(uintptr_t)(unsigned)sum;
}
static void threads(struct worker *worker) {
  pthread_t thread;
  void *result;
  int error = pthread_create(&thread, NULL, sums, worker);
  if (error == EAGAIN) return;
  expect("pthread_create", error, 0);
  if (chance(worker, 2)) pthread_kill(thread, SIGUSR1);
  expect("pthread_join", pthread_join(thread, &result), 0);
  expect("a thread's sum", (unsigned)(uintptr_t)result, (unsigned)(uintptr_t)sums(worker));
}

static void signals(struct worker *worker) {
  struct worker *other = &workers[chance(worker, WORKERS)];
  // It may have ended, but nobody has joined it yet: libraries differ about that.
  for (unsigned i = chance(worker, 20); i > 0; i--) {
    int error = pthread_kill(other->thread, SIGUSR1);
    if (error != ESRCH && error != EINVAL) expect("pthread_kill", error, 0);
  }
  // One that is blocked waits for the thread that it was sent to.
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  raise(SIGUSR2);
  struct timespec long_enough = {60, 0};
  int got;
  while ((got = sigtimedwait(&set, NULL, &long_enough)) < 0 && errno == EINTR) {}
  expect("sigtimedwait", got, SIGUSR2);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void pipes(struct worker *worker) {
  static _Thread_local char text[4096], back[4096];
  int ends[2];
  if (pipe(ends) != 0) fail("pipe", errno, 0);
  unsigned length = 1 + chance(worker, sizeof text - 1);
  memset(text, (int)length, length);
  expect("write", write(ends[1], text, length), length);
  unsigned have = 0;
  while (have < length) {
    ssize_t got = read(ends[0], back + have, length - have);
    if (got <= 0) fail("read", got, length);
    have += (unsigned)got;
  }
  expect("what was piped", memcmp(text, back, length), 0);
  close(ends[0]);
  close(ends[1]);
}

static void waits(struct worker *worker) {
  struct timespec time = {0, chance(worker, 2000000)};
  while (nanosleep(&time, &time) != 0) expect("nanosleep", errno, EINTR);
}

static void counts(struct worker *worker) {
  for (unsigned i = chance(worker, 50); i > 0; i--) {
    pthread_mutex_lock(&mutex);
    guarded++;
    pthread_mutex_unlock(&mutex);
    worker->done[9]++;
  }
}

static void *work(void *argument) {
  static void (*const kinds[])(struct worker *) = {forks, adds_in_common, kills, runs,  maps,
                                                   threads, signals,      pipes, waits, counts};
  struct worker *worker = argument;
  for (unsigned i = 0; i < 64; i++) worker->canary[i] = i * 77;
  while (!begun) sched_yield();
  while (running) {
    unsigned kind = chance(worker, KINDS);
    kinds[kind](worker);
    if (kind != 9) worker->done[kind]++;
    for (unsigned i = 8; i < 64; i++) expect("a canary", worker->canary[i], i * 77);
  }
  return NULL;
}

// Lines of /proc/self/maps, and pages that are resident.
static void measure(int *lines, int *pages) {
  static char text[65536];
  *lines = 0;
  int fd = open("/proc/self/maps", O_RDONLY);
  ssize_t length;
  while ((length = read(fd, text, sizeof text)) > 0)
    for (ssize_t i = 0; i < length; i++) *lines += text[i] == '\n';
  close(fd);
  fd = open("/proc/self/statm", O_RDONLY);
  length = read(fd, text, sizeof text - 1);
  text[length > 0 ? length : 0] = 0;
  close(fd);
  char *second = strchr(text, ' ');
  *pages = second ? atoi(second + 1) : -1;
}

static int open_descriptors(void) {
  int open_ones = 0;
  for (int fd = 0; fd < 1024; fd++) open_ones += raw(fcntl, fd, F_GETFD, 0) >= 0;
  return open_ones;
}

static void *ends_the_process(void *status) { _exit((int)(uintptr_t)status); }

// Programs that are run: they end with a status, in a thread, by a fault, by a signal.
static int child(int kind, int status) {
  pthread_t thread;
  if (kind == 0) return status;
  if (kind == 1 || kind == 2) {
    if (pthread_create(&thread, NULL, ends_the_process, (void *)(uintptr_t)status) != 0)
      _exit(status);
    for (;;) {
      if (kind == 1) pause();
    }
  }
  if (kind == 3) {
    close(2);
    *(volatile char *)BAD = 1;
  }
  raise(SIGTERM);
  return 1;
}

static void one_round(int milliseconds) {
  begun = 0;
  running = 1;
  for (int i = 0; i < WORKERS; i++)
    expect("a worker", pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  begun = 1;
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    struct timespec pause = {0, 5000000};
    nanosleep(&pause, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 <
           milliseconds);
  running = 0;
  for (int i = 0; i < WORKERS; i++) expect("join", pthread_join(workers[i].thread, NULL), 0);
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc == 4 && strcmp(argv[1], "child") == 0) return child(atoi(argv[2]), atoi(argv[3]));
  int seconds = argc > 1 ? atoi(argv[1]) : 2;
  seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
  in_common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  // Shells ignore some for what runs in the background.
  for (int i = 1; i <= 31; i++) signal(i, SIG_DFL);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGALRM, &action, NULL);
  for (int i = 0; i < WORKERS; i++)
    workers[i].state = (seed + 1) * 0x9e3779b97f4a7c15ull + (unsigned)i * 0x1234567ull + 1;
  struct itimerval every = {{0, 3000}, {0, 3000}};
  setitimer(ITIMER_REAL, &every, NULL);
  int before = open_descriptors(), lines = 0, pages = 0, lines_now, pages_now;
  for (int i = 0; i < ROUNDS; i++) {
    one_round(seconds * 1000 / ROUNDS);
    if (i == WARM - 1) measure(&lines, &pages);
  }
  memset(&every, 0, sizeof every);
  setitimer(ITIMER_REAL, &every, NULL);
  measure(&lines_now, &pages_now);
  unsigned added = 0, children = 0;
  long long counted = 0, all = 0;
  for (int i = 0; i < WORKERS; i++) {
    added += workers[i].added;
    children += workers[i].children;
    counted += workers[i].done[9];
    for (int k = 0; k < KINDS; k++) all += workers[i].done[k];
  }
  expect("what children have added", *in_common, added);
  expect("what was counted under the lock", guarded, counted);
  expect("other children", waitpid(-1, NULL, 0), -1);
  expect("other children", errno, ECHILD);
  expect("descriptors", open_descriptors(), before);
  if (!handled) fail("signals", 0, 1);
  if (lines_now > lines + 24) fail("mappings", lines_now, lines);
  if (pages_now > pages + pages / 4 + 2048) fail("resident pages", pages_now, pages);
  const char *told = argc > 3 ? argv[3] : "";
  if (strcmp(told, "figures") == 0)
    fprintf(stderr, "%d things, %d children, %d signals; mappings %d then %d, resident pages %d then %d\n",
            (int)all, (int)children, (int)handled, lines, lines_now, pages, pages_now);
  printf("nothing lost, nothing left\n");
  fflush(stdout);
  return 0;
}
