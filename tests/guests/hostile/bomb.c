// Threads until there is no room for more, in functions that are none, and with words to clear
// that lie anywhere; signals to whatever id there may be.
#include <sys/resource.h>

#include "../threads.h"
#include "hostile.h"

static unsigned over, here;
static void *stays(void *argument) {
  ADD(&here, 1);
  wait_while(&over, 0);
  return argument;
}

// All that there is room for, and then an error; afterwards everything works.
static void as_many_as_possible(void) {
  static pthread_t threads[20000];
  unsigned made = 0;
  int error = 0;
  over = 0;
  while (made < 20000 && (error = pthread_create(&threads[made], NULL, stays, NULL)) == 0) made++;
  HOLDS(made == 20000 || error == EAGAIN);
  HOLDS(made > 10);
  tell(&over, 1);
  for (unsigned i = 0; i < made; i++) join(threads[i]);
  over = 0;
  pthread_t thread = start(stays, NULL);
  tell(&over, 1);
  join(thread);
}

static void expect(const char *what, int signal, void (*function)(void)) {
  int status;
  pid_t pid = fork();
  if (pid == 0) {
    dup2(open("/dev/null", O_WRONLY), 2);
    function();
    _exit(0);
  }
  waitpid(pid, &status, 0);
  must(what, WIFSIGNALED(status) ? WTERMSIG(status) : 0, signal);
}
static unsigned never;
static void wrong_index(void) {
  __wasm_thread_spawn(0xfffffff0, 0);
  wait_while(&never, 0);
}
static void null_index(void) {
  __wasm_thread_spawn(0, 0);
  wait_while(&never, 0);
}
static double wrong_type(double one, double two, double three) { return one + two + three; }
static void wrong_function(void) {
  __wasm_thread_spawn((unsigned)(uintptr_t)wrong_type, 0);
  wait_while(&never, 0);
}

static void *registers(void *argument) {
  raw(set_tid_address, (unsigned)(uintptr_t)argument);
  for (;;) raw(exit, 0);
}
static void odd_words(void) {
  static const unsigned words[] = {1, 2, 4095, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
    start(registers, (void *)(uintptr_t)words[i]);
    wait_while(&never, 1);
  }
}

// Threads of this process under every id near its own.
static void signals_to_all(void) {
  unsigned found = 0;
  pthread_t threads[5];
  over = 0;
  signal(SIGUSR1, SIG_IGN);
  signal(SIGSEGV, SIG_IGN);
  for (int i = 0; i < 5; i++) threads[i] = start(stays, NULL);
  for (int id = getpid(); id < getpid() + 3000; id++) {
    found += raw(tgkill, getpid(), id, SIGUSR1) == 0;
    raw(tgkill, getpid(), id, SIGSEGV);
  }
  HOLDS(found >= 1);
  tell(&over, 1);
  for (int i = 0; i < 5; i++) join(threads[i]);
}

int main(void) {
  signals_to_all();
  odd_words();
  expect("index", SIGSEGV, wrong_index);
  expect("null", SIGSEGV, null_index);
  expect("type", SIGILL, wrong_function);
  as_many_as_possible();
  struct rlimit limit = {3000, 3000};
  setrlimit(RLIMIT_NPROC, &limit);
  as_many_as_possible();
  return broken;
}
