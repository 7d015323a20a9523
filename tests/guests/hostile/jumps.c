// Jumps to places that are not there: each ends the process, and by nothing but a message and a
// signal; what is done with buffers does not matter.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

static jmp_buf global, other;
static volatile int state;

static __attribute__((noinline)) int place(jmp_buf buffer) { return setjmp(buffer); }
static __attribute__((noinline)) int deeper(jmp_buf buffer, int n) {
  return n ? deeper(buffer, n - 1) + 1 : setjmp(buffer);
}

static void never_set(void) { longjmp(global, 1); }
static void zeroed(void) {
  if (setjmp(global)) return;
  memset(global, 0, sizeof global);
  longjmp(global, 1);
}
static void scribbled(void) {
  // Every bit of what counts.
  for (volatile int bit = 0; bit < 128; bit++) {
    pid_t child = fork();
    if (child == 0) {
      if (setjmp(global)) _exit(0);
      ((unsigned char *)global)[bit / 8] ^= 1 << bit % 8;
      longjmp(global, 1);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) _exit(3);
  }
  never_set();
}
static void returned(void) {
  if (place(global)) _exit(0);
  longjmp(global, 1);
}
static void returned_deep(void) {
  deeper(global, 100);
  longjmp(global, 1);
}
// The same function at the same depth, which has a place of its own.
static void called_again(void) {
  if (place(global)) _exit(0);
  if (place(other)) _exit(0);
  longjmp(global, 1);
}
static __attribute__((noinline)) void live(void) {
  volatile int once = 0;
  if (setjmp(other)) _exit(0);
  if (once++ == 0) longjmp(global, 1);
}
static __attribute__((noinline)) void was_live(void) {
  if (setjmp(global)) _exit(0);
}
static void another_at_the_same_depth(void) {
  was_live();
  live();
}
// Further in than where the program is.
static __attribute__((noinline)) int jumps_out(void) {
  if (setjmp(other) == 0) longjmp(global, 1);
  return 0;
}
static void left_by_a_jump(void) {
  if (setjmp(global) == 0) jumps_out();
  longjmp(other, 1);
}
static void handler(int signal) {
  (void)signal;
  if (setjmp(global)) _exit(0);
}
static void place_of_a_handler(void) {
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGUSR1, &action, 0);
  raise(SIGUSR1);
  longjmp(global, 1);
}
static void bad_pointer(void) { longjmp((void *)(uintptr_t)0xfffffff0, 1); }
static void bad_place(void) {
  if (setjmp((void *)(uintptr_t)0xfffffff0)) _exit(0);
}
static void protected_place(void) {
  char *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  setjmp((void *)page);
}
static void null(void) { longjmp(0, 1); }
static void bad_mask(void) {
  // The end of the buffer is not there.
  char *pages = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(pages + 4096, 4096, PROT_NONE);
  sigsetjmp((void *)(pages + 4096 - 64), 1);
}

// Of another thread, which is where it was.
static void *elsewhere(void *argument) {
  longjmp(argument, 1);
}
static void another_thread(void) {
  pthread_t thread;
  if (setjmp(global)) _exit(0);
  pthread_create(&thread, 0, elsewhere, global);
  pthread_join(thread, 0);
}

// By the signal that a handler catches otherwise: there is no place to go on.
static void caught(int signal) {
  (void)signal;
  state++;
}
static void aborts_all_the_same(void) {
  struct sigaction action = {.sa_handler = caught};
  sigaction(SIGABRT, &action, 0);
  never_set();
}

static void ends(const char *what, void (*f)(void), int signal) {
  pid_t child = fork();
  if (child == 0) {
    f();
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == signal) return;
  broken = 1;
  printf("%s: status %#x, not signal %d\n", what, status, signal);
}

// A place for each address: the last ones still work, and there is an end to them.
static void many(void) {
  static char room[1 << 16];
  static volatile unsigned i, back;
  for (i = 0; i < sizeof room - 400; i++)
    if (setjmp((void *)(room + i))) back++;
  if (back == 0) longjmp((void *)(room + i - 1), 1);
  HOLDS(back == 1);
}

int main(void) {
  ends("never set", never_set, SIGABRT);
  ends("zeroed", zeroed, SIGABRT);
  ends("scribbled", scribbled, SIGABRT);
  ends("returned", returned, SIGABRT);
  ends("returned deep", returned_deep, SIGABRT);
  ends("called again", called_again, SIGABRT);
  ends("another at the same depth", another_at_the_same_depth, SIGABRT);
  ends("left by a jump", left_by_a_jump, SIGABRT);
  ends("place of a handler", place_of_a_handler, SIGABRT);
  ends("another thread", another_thread, SIGABRT);
  ends("bad pointer", bad_pointer, SIGSEGV);
  ends("bad place", bad_place, SIGSEGV);
  ends("protected place", protected_place, SIGSEGV);
  ends("null", null, SIGSEGV);
  ends("bad mask", bad_mask, SIGSEGV);
  ends("aborts all the same", aborts_all_the_same, SIGABRT);
  many();
  return broken;
}
