// Calls without end, and handlers within handlers: what happens when a stack is full.
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#include "common.h"

static sigjmp_buf place;
static char handlers_stack[65536];
static volatile int handled;

// Nothing on the C stack, which in Wasm has no end that faults.
static int (*volatile again)(int);
static int forever(int n) { return again(n + 1) + 1; }
// In a handler, a few calls are possible.
static int some(int n) { return n == 0 ? 0 : 1 + again(n - 1); }

static void on(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_flags = flags};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  if (sigaction(signal, &action, 0)) die("sigaction");
}

static void recover(int signal) {
  again = some;
  handled += some(50) == 50;
  siglongjmp(place, signal);
}

static void show_end(int status) {
  if (WIFSIGNALED(status))
    printf("killed by %d\n", WTERMSIG(status));
  else
    printf("exited with %d\n", WEXITSTATUS(status));
}

// Runs `f` in a copy of the process, whose messages are not of interest.
static void in_child(const char *what, void (*f)(void)) {
  printf("%s: ", what);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    f();
    _exit(9);
  }
  int status;
  waitpid(child, &status, 0);
  show_end(status);
}

static void overflow(void) {
  again = forever;
  forever(0);
}

// The handler has a stack of its own, and jumps out: as often as one likes.
static void recovered(void) {
  on(SIGSEGV, recover, SA_ONSTACK);
  static volatile int times;
  for (times = 0; times < 20; times++) {
    int came = sigsetjmp(place, 1);
    if (came == 0) overflow();
    if (came != SIGSEGV) puts("another signal");
  }
  printf("recovered %d times, handled %d\n", times, handled);
}

static void twice(int signal) {
  (void)signal;
  overflow();
}
static void in_handler(void) {
  on(SIGSEGV, twice, SA_ONSTACK);
  overflow();
}
static void without_stack(void) {
  on(SIGSEGV, recover, 0);
  if (sigsetjmp(place, 1) == 0) overflow();
}
static void disabled_stack(void) {
  stack_t none = {.ss_flags = SS_DISABLE};
  sigaltstack(&none, 0);
  on(SIGSEGV, recover, SA_ONSTACK);
  if (sigsetjmp(place, 1) == 0) overflow();
}
static void blocked(void) {
  sigset_t all;
  sigfillset(&all);
  on(SIGSEGV, recover, SA_ONSTACK);
  if (sigsetjmp(place, 1) == 0) {
    sigprocmask(SIG_BLOCK, &all, 0);
    overflow();
  }
}

// Handlers that interrupt themselves.
static volatile int depth, deepest;
static int limit;
static void nest(int signal) {
  if (++depth > deepest) deepest = depth;
  if (depth < limit) raise(signal);
  depth--;
}
static void nested(void) {
  on(SIGUSR1, nest, SA_NODEFER);
  limit = 1000;
  for (int i = 0; i < 5; i++) raise(SIGUSR1);
  printf("nested %d deep, now %d\n", deepest, depth);
}
static void out_of_all(int signal) {
  if (++depth < limit) raise(signal);
  siglongjmp(place, 1);
}
static void left(void) {
  on(SIGUSR1, out_of_all, SA_NODEFER);
  static volatile int times;
  for (times = 0; times < 20; times++) {
    depth = 0;
    if (sigsetjmp(place, 1) == 0) raise(SIGUSR1);
    if (depth != limit) puts("another depth");
  }
  printf("out of %d handlers, %d times\n", depth, times);
}
// On the stack for handlers, whose end is looked at. The C stack of Wasm has none that faults, and
// its size is not that of native programs.
static void without_end(void) {
  limit = 0x7fffffff;
  depth = 0;
  on(SIGUSR1, nest, SA_NODEFER | SA_ONSTACK);
  raise(SIGUSR1);
}
static void to_the_end(void) {
  on(SIGSEGV, SIG_DFL, 0);
  without_end();
}
static void no_room_left(void) {
  on(SIGSEGV, recover, SA_ONSTACK);
  if (sigsetjmp(place, 1) == 0) without_end();
}

int main(void) {
  stack_t stack = {.ss_sp = handlers_stack, .ss_size = sizeof handlers_stack};
  LIBC(sigaltstack(&stack, 0));
  recovered();
  in_child("overflow in the handler", in_handler);
  in_child("without a stack", without_stack);
  in_child("with a disabled stack", disabled_stack);
  in_child("blocked", blocked);
  nested();
  left();
  in_child("handlers without end", to_the_end);
  in_child("with a handler for that on the same stack", no_room_left);
  return 0;
}
