// The ends of threads, and of the process with them.
//
// cases:
//   main_first: { args: [main_first] }
//   main_last: { args: [main_last] }
//   blocked: { args: [blocked] }
//   leader: { args: [leader] }
//   returns: { args: [returns] }
//   tid_address: { args: [tid_address] }
//   both: { args: [both] }
#include <sys/file.h>
#include <sys/socket.h>

#include "threads.h"

static unsigned word, ready, main_tid;
static int tid;

static _Noreturn void raw_exit(int status) {
  for (;;) raw(exit, status);
}

static void wait_for_main(void) { wait_while(&main_tid, (unsigned)getpid()); }
static void *after_main(void *argument) {
  wait_for_main();
  raw_exit((int)(intptr_t)argument);
}
// Ends the first thread, so that others can see when it is gone.
static _Noreturn void leave_main(int status) {
  raw(set_tid_address, (uintptr_t)&main_tid);
  raw_exit(status);
}
static void five_after_three(void) {
  main_tid = (unsigned)getpid();
  start(after_main, (void *)5);
  leave_main(3);
}
static void zero_after_three(void) {
  main_tid = (unsigned)getpid();
  start(after_main, (void *)0);
  leave_main(3);
}
static void group_after_three(void) {
  extern void *group_after_main(void *);
  main_tid = (unsigned)getpid();
  start(group_after_main, (void *)6);
  leave_main(3);
}
void *group_after_main(void *argument) {
  wait_for_main();
  // The process goes on: it forks, and waits.
  int status;
  pid_t pid = fork();
  if (pid == 0) _exit(40);
  if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 40) _exit(98);
  _exit((int)(intptr_t)argument);
}
static void killed_after(void) {
  extern void *kills_after_main(void *);
  main_tid = (unsigned)getpid();
  start(kills_after_main, NULL);
  leave_main(3);
}
void *kills_after_main(void *argument) {
  wait_for_main();
  kill(getpid(), SIGTERM);
  return argument;
}
static void main_first(void) {
  in_child("five after three", five_after_three);
  in_child("zero after three", zero_after_three);
  in_child("all after three", group_after_three);
  in_child("killed after three", killed_after);
}

static void *exits(void *argument) {
  tid = gettid();
  tell(&ready, 1);
  raw_exit((int)(intptr_t)argument);
}
static void three_after_five(void) {
  start(exits, (void *)5);
  wait_for(&ready, 1);
  wait_until_gone(tid);
  raw_exit(3);
}
static void alone(void) { raw_exit(300); }
static void alone_group(void) { _exit(300); }
static void main_last(void) {
  in_child("three after five", three_after_five);
  in_child("alone", alone);
  in_child("alone, all", alone_group);
}

// Ways to wait for ever.
static int pipes[2];
static void *reads(void *argument) {
  char byte;
  read(pipes[0], &byte, 1);
  return argument;
}
static void *waits(void *argument) {
  wait_while(&word, 0);
  return argument;
}
static void *polls(void *argument) {
  struct pollfd fd = {.fd = pipes[0], .events = POLLIN};
  poll(&fd, 1, -1);
  return argument;
}
static void *sleeps(void *argument) {
  struct timespec long_time = {100000, 0};
  nanosleep(&long_time, NULL);
  return argument;
}
static void *pauses(void *argument) {
  pause();
  return argument;
}
static void *suspends(void *argument) {
  sigset_t all;
  sigfillset(&all);
  sigsuspend(&all);
  return argument;
}
static void *waits_for_signal(void *argument) {
  sigset_t set;
  int signal;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  sigwait(&set, &signal);
  return argument;
}
static void *spins(void *argument) {
  while (LOAD(&word) == 0) {
  }
  return argument;
}
static void *spins_blocking(void *argument) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  return spins(argument);
}
static void *atomic_waits(void *argument) {
#ifdef __wasm__
  while (LOAD(&word) == 0) __builtin_wasm_memory_atomic_wait32((int *)&word, 0, -1);
  return argument;
#else
  return waits(argument);
#endif
}
static void *wide_waits(void *argument) {
#ifdef __wasm__
  static long long wide;
  for (;;) __builtin_wasm_memory_atomic_wait64(&wide, 0, -1);
#endif
  return waits(argument);
}
static void *accepts(void *argument) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct {
    unsigned short family;
    char path[6];
  } name = {AF_UNIX, {0}};
  bind(fd, (void *)&name, 2);
  listen(fd, 1);
  accept(fd, NULL, NULL);
  return argument;
}
static void *waits_for_child(void *argument) {
  pid_t pid = fork();
  if (pid == 0) {
    char byte;
    close(pipes[1]);
    // Until the last writer is gone.
    read(pipes[0], &byte, 1);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  return argument;
}
static void *waits_for_copy(void *argument) {
  int pid = VFORK();
  if (pid == 0) {
    char byte;
    close(pipes[1]);
    read(pipes[0], &byte, 1);
    for (;;) raw(exit_group, 0);
  }
  return argument;
}
static void *locks(void *argument) {
  int fd = open("lock", O_RDWR | O_CREAT, 0600), other = open("lock", O_RDWR);
  flock(fd, LOCK_EX);
  flock(other, LOCK_EX);
  return argument;
}

static void *(*way)(void *);
static void *way_noted(void *argument) {
  tid = gettid();
  tell(&ready, 1);
  return way(argument);
}
static int is_busy(void) { return way == spins || way == spins_blocking; }
static void start_way(void) {
  if (pipe(pipes) != 0) die("pipe");
  start(way_noted, NULL);
  wait_for(&ready, 1);
  if (!is_busy()) wait_until_asleep(tid);
}
static void *ends_all(void *argument) { _exit((int)(intptr_t)argument); }
static void *ends_by_trap(void *argument) {
  *(volatile char *)BAD = 1;
  return argument;
}
static void by_main(void) {
  start_way();
  _exit(7);
}
static void by_return(void) {
  start_way();
  exit(8);
}
static void by_thread(void) {
  start_way();
  start(ends_all, (void *)9);
  way(NULL);
}
static void by_death(void) {
  start_way();
  start(ends_by_trap, NULL);
  way(NULL);
}
static void by_signal(void) {
  start_way();
  kill(getpid(), SIGKILL);
  way(NULL);
}

static void blocked(void) {
  static const struct {
    const char *name;
    void *(*way)(void *);
  } ways[] = {
      {"read", reads},         {"futex", waits},
      {"poll", polls},         {"nanosleep", sleeps},
      {"pause", pauses},       {"sigsuspend", suspends},
      {"spinning", spins},     {"sigwait", waits_for_signal},
      {"accept", accepts},     {"spinning, signals blocked", spins_blocking},
      {"flock", locks},        {"atomic wait", atomic_waits},
      {"wait", waits_for_child}, {"wide atomic wait", wide_waits},
      {"vfork", waits_for_copy},
  };
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
    way = ways[i].way;
    printf("%s\n", ways[i].name);
    in_child("  ended by main", by_main);
    in_child("  ended by exit", by_return);
    // These two make the first thread wait in the same way.
    in_child("  ended by a thread", by_thread);
    in_child("  ended by a fault", by_death);
    in_child("  killed", by_signal);
  }
}

// The first thread ends while others are blocked; the last of them ends the process.
#define QUICK 20
static int quick_tids[QUICK];
static void *exits_quickly(void *argument) {
  STORE((int *)argument, gettid());
  count_up(&ready);
  raw_exit(1);
}
static void *last_one(void *argument) {
  wait_for_main();
  wait_for(&ready, QUICK);
  for (int i = 0; i < QUICK; i++) wait_until_gone(quick_tids[i]);
  raw_exit((int)(intptr_t)argument);
}
static void quick_then_last(void) {
  main_tid = (unsigned)getpid();
  for (int i = 0; i < QUICK; i++) start(exits_quickly, &quick_tids[i]);
  start(last_one, (void *)12);
  leave_main(3);
}
static void *ends_when_main_has(void *argument) {
  (void)argument;
  wait_for_main();
  wait_until_asleep(tid);
  _exit(13);
}
static void main_gone_others_blocked(void) {
  if (pipe(pipes) != 0) die("pipe");
  way = reads;
  start(way_noted, NULL);
  wait_for(&ready, 1);
  main_tid = (unsigned)getpid();
  start(ends_when_main_has, NULL);
  leave_main(3);
}
static void leader(void) {
  in_child("many, then the last", quick_then_last);
  in_child("others blocked", main_gone_others_blocked);
}

static void *returns_late(void *argument) {
  wait_for_main();
  return argument;
}
static void last_returns(void) {
  main_tid = (unsigned)getpid();
  start(returns_late, NULL);
  raw(set_tid_address, (uintptr_t)&main_tid);
  pthread_exit(NULL);
}
static void main_returns(void) {
  way = sleeps;
  start_way();
  exit(0);
}
static void returns(void) {
  in_child("the last one returns", last_returns);
  in_child("main returns", main_returns);
}

// The word is cleared when its thread ends, and who waits for it is woken.
static unsigned words[3];
static void *registers(void *argument) {
  unsigned *at = argument;
  *at = (unsigned)gettid();
  CHECK(raw(set_tid_address, (uintptr_t)at) == gettid());
  tell(&ready, LOAD(&ready) + 1);
  raw_exit(0);
}
static void *registers_badly(void *argument) {
  raw(set_tid_address, (uintptr_t)BAD);
  raw(set_tid_address, 8192 * 4096ull + 1 + (uintptr_t)argument);
  tid = gettid();
  tell(&ready, LOAD(&ready) + 1);
  raw_exit(0);
}
static void *registers_none(void *argument) {
  CHECK(raw(set_tid_address, 0) == gettid());
  tid = gettid();
  tell(&ready, LOAD(&ready) + 1);
  raw_exit((int)(intptr_t)argument);
}
static void cleared(void) {
  start(registers, &words[1]);
  wait_for(&ready, 1);
  wait_for(&words[1], 0);
  CHECK(words[0] == 0 && words[2] == 0);
  start(registers_badly, NULL);
  wait_for(&ready, 2);
  wait_until_gone(tid);
  start(registers_none, NULL);
  wait_for(&ready, 3);
  wait_until_gone(tid);
  fflush(stdout);
  _exit(0);
}
static void tid_address(void) { in_child("cleared", cleared); }

// All end the process at once: one of them decides.
static void *ends_soon(void *argument) {
  wait_while(&word, 0);
  _exit((int)(intptr_t)argument);
}
static void *faults_soon(void *argument) {
  wait_while(&word, 0);
  *(volatile char *)argument = 1;
  return NULL;
}
static int fault_too;
static void all_at_once(void) {
  void *bad = BAD;
  for (int i = 0; i < 10; i++) start(fault_too && i % 2 ? faults_soon : ends_soon, i % 2 && fault_too ? bad : (void *)21);
  tell(&word, 1);
  for (;;) pause();
}
static void both(void) {
  for (int i = 0; i < 20; i++) in_child("all at once", all_at_once);
  fault_too = 1;
  for (int i = 0; i < 20; i++) {
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
      dup2(open("/dev/null", O_WRONLY), 2);
      all_at_once();
    }
    waitpid(pid, &status, 0);
    int exited = WIFEXITED(status) && WEXITSTATUS(status) == 21;
    int died = WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
    if (!exited && !died) show_status("either", status);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
#define CASE(name)                                                                                 \
  if (strcmp(argv[1], #name) == 0) return name(), 0
  CASE(main_first);
  CASE(main_last);
  CASE(blocked);
  CASE(leader);
  CASE(returns);
  CASE(tid_address);
  CASE(both);
  return 2;
}
