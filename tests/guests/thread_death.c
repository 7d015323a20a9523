// Faults and signals in a thread end the whole process, unless a handler sees to them.
//
// cases:
//   faults: { args: [faults] }
//   signals: { args: [signals] }
//   handled: { args: [handled] }
//   ignored: { args: [ignored] }
#include "threads.h"

static unsigned forever;
static void *touches(void *argument) {
  *(volatile char *)BAD = 1;
  return argument;
}
static void *divides(void *argument) {
  divide_by_zero();
  return argument;
}
static void *gives_up(void *argument) {
  (void)argument;
  ILLEGAL();
}
static void *jumps_nowhere(void *argument) {
#ifdef __wasm__
  ((void (*)(void))(uintptr_t)123456)();
#else
  ((void (*)(void))BAD)();
#endif
  return argument;
}
static void *overflows(void *argument) {
  volatile char here[4096];
  here[0] = 1;
  if (!LOAD(&forever)) overflows((void *)&here[0]);
  return (void *)(intptr_t)(here[0] + (int)(intptr_t)argument);
}

static void *(*way)(void *);
static void *deeper(void *argument) { return join(start(way, argument)); }
static void in_thread(void) {
  start(way, NULL);
  wait_while(&forever, 0);
}
static void in_threads_thread(void) {
  start(deeper, NULL);
  wait_while(&forever, 0);
}
static void *waits(void *argument) {
  wait_while(&forever, 0);
  return argument;
}
static void in_main(void) {
  for (int i = 0; i < 5; i++) start(waits, NULL);
  way(NULL);
}
static void while_joining(void) { join(start(way, NULL)); }

static void faults(void) {
  static const struct {
    const char *name;
    void *(*way)(void *);
  } ways[] = {
      {"address", touches}, {"division", divides}, {"trap", gives_up}, {"function", jumps_nowhere},
      {"stack", overflows},
  };
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
    way = ways[i].way;
    printf("%s\n", ways[i].name);
    in_child("  in a thread", in_thread);
    in_child("  in a thread's thread", in_threads_thread);
    in_child("  in main", in_main);
    in_child("  while joining", while_joining);
  }
}

static int which;
static void *raises(void *argument) {
  raise(which);
  return argument;
}
static void *kills(void *argument) {
  kill(getpid(), which);
  wait_while(&forever, 0);
  return argument;
}
static void *to_main(void *argument) {
  raw(tgkill, getpid(), getpid(), which);
  wait_while(&forever, 0);
  return argument;
}
static void signals(void) {
  int some[] = {SIGTERM, SIGSEGV, SIGBUS, SIGABRT, SIGALRM, SIGKILL, SIGFPE, 40};
  for (unsigned i = 0; i < sizeof some / sizeof *some; i++) {
    which = some[i];
    way = raises;
    in_child("raised", in_thread);
    way = kills;
    in_child("killed", in_thread);
    way = to_main;
    in_child("sent to main", in_thread);
  }
}

static unsigned handled_by;
static _Thread_local unsigned id;
static void notes(int signal) {
  (void)signal;
  STORE(&handled_by, id);
  pthread_exit((void *)(uintptr_t)(100 + id));
}
static void ends(int signal) { _exit(50 + signal); }
static void *(*inner)(void *);
static void *with_id(void *argument) {
  id = (unsigned)(uintptr_t)argument;
  return inner(argument);
}
static void thread_exits(void) {
  struct sigaction action = {.sa_handler = notes, .sa_flags = SA_NODEFER};
  int signals[] = {SIGSEGV, SIGFPE, SIGILL};
  for (int i = 0; i < 3; i++) sigaction(signals[i], &action, NULL);
  void *(*ways[])(void *) = {touches, divides, gives_up};
  for (unsigned i = 0; i < 9; i++) {
    inner = ways[i % 3];
    CHECK((uintptr_t)join(start(with_id, (void *)(uintptr_t)(i + 1))) == 101 + i);
    CHECK(handled_by == i + 1);
  }
}
static void process_exits(void) {
  struct sigaction action = {.sa_handler = ends};
  sigaction(SIGSEGV, &action, NULL);
  way = touches;
  in_thread();
}
static void handled(void) {
  thread_exits();
  in_child("ended by the handler", process_exits);
}

static void blocked_fault(void) {
  struct sigaction action = {.sa_handler = ends};
  sigaction(SIGSEGV, &action, NULL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGSEGV);
  sigprocmask(SIG_BLOCK, &set, NULL);
  way = touches;
  in_thread();
}
static void ignored_fault(void) {
  signal(SIGSEGV, SIG_IGN);
  way = touches;
  in_thread();
}
static void ignored(void) {
  in_child("blocked by its maker", blocked_fault);
  in_child("ignored", ignored_fault);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
#define CASE(name)                                                                                 \
  if (strcmp(argv[1], #name) == 0) return name(), 0
  CASE(faults);
  CASE(signals);
  CASE(handled);
  CASE(ignored);
  return 2;
}
