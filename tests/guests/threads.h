// What the programs with threads share.
#pragma once
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#ifndef __wasm__
#include <linux/futex.h>
#endif
#define FUTEX(word, op, val, timeout, word2, val3)                                                 \
  raw(futex, (void *)(word), op, val, (uintptr_t)(timeout), (void *)(word2), val3)

#define LOAD(word) __atomic_load_n(word, __ATOMIC_SEQ_CST)
#define STORE(word, value) __atomic_store_n(word, value, __ATOMIC_SEQ_CST)
#define ADD(word, value) __atomic_add_fetch(word, value, __ATOMIC_SEQ_CST)

// Sets a word and wakes who waits for it, or waits until it is something else.
static inline void tell(unsigned *word, unsigned value) {
  STORE(word, value);
  FUTEX(word, FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
}
// Adds one to it, likewise.
static inline void count_up(unsigned *word) {
  ADD(word, 1);
  FUTEX(word, FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
}
static inline void wait_while(unsigned *word, unsigned value) {
  while (LOAD(word) == value) FUTEX(word, FUTEX_WAIT, value, 0, 0, 0);
}
static inline void wait_for(unsigned *word, unsigned value) {
  for (unsigned now; (now = LOAD(word)) != value;) FUTEX(word, FUTEX_WAIT, now, 0, 0, 0);
}

// The C library's own call, as the kernel's would return to a stack that the copy has used.
#ifdef __wasm__
#define VFORK() ((int)raw(vfork))
#else
#define VFORK() vfork()
#endif

static inline pthread_t start(void *(*function)(void *), void *argument) {
  pthread_t thread;
  int error = pthread_create(&thread, NULL, function, argument);
  if (error) {
    errno = error;
    die("pthread_create");
  }
  return thread;
}
static inline void *join(pthread_t thread) {
  void *result = NULL;
  int error = pthread_join(thread, &result);
  if (error) printf("join: %s\n", error_name(error));
  return result;
}

// The letter of a thread's state; 0 if there is no such thread.
static inline char state_of(int tid) {
  char path[64], text[256];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return 0;
  text[n] = 0;
  for (char *at = text + n; at > text; at--)
    if (*at == ')') return at[2];
  return 0;
}
// Perhaps not yet in the call that it is about to make. Whoever waits for a copy that vfork made
// does so without being interruptible.
static inline void wait_until_asleep(int tid) {
  for (char state; (state = state_of(tid)) != 'S' && state != 'D';) sched_yield();
}
// Sends a signal to a thread that waits in some call, or is about to, until the word changes: it may
// come too early to end the call.
static inline void interrupt_until(unsigned *word, unsigned value, pthread_t thread, int tid,
                                   int signal) {
  wait_until_asleep(tid);
  while (LOAD(word) == value) {
    struct timespec some = {0, 1000000};
    pthread_kill(thread, signal);
    nanosleep(&some, NULL);
  }
}
static inline void wait_until_gone(int tid) {
  while (state_of(tid)) sched_yield();
}

static inline void show_status(const char *what, int status) {
  if (WIFSIGNALED(status))
    printf("%s: signal %d\n", what, WTERMSIG(status));
  else
    printf("%s: exit %d\n", what, WEXITSTATUS(status));
}

// Runs something in a process of its own, which is quiet, and prints how that ended.
static inline void in_child(const char *what, void (*function)(void)) {
  int status;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(open("/dev/null", O_WRONLY), 2);
    function();
    _exit(99);
  }
  if (waitpid(pid, &status, 0) != pid) die("waitpid");
  show_status(what, status);
}
