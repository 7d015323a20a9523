// Forks of processes with threads: the copy has the thread that made it, and no other.
//
// cases:
//   from_main: { args: [from_main] }
//   from_thread: { args: [from_thread] }
//   busy: { args: [busy] }
//   in_handler: { args: [in_handler] }
//   threads_again: { args: [threads_again] }
//   ends: { args: [ends] }
//   masks: { args: [masks] }
//   waiting: { args: [waiting] }
#include <dirent.h>

#include "threads.h"

// Threads of this process.
static int count(void) {
  char buffer[4096];
  int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY), n = 0;
  long long got;
  while ((got = raw(getdents64, fd, (void *)buffer, sizeof buffer)) > 0)
    for (long long at = 0; at < got;) {
      unsigned short length;
      memcpy(&length, buffer + at + 16, 2);
      n += buffer[at + 19] != '.';
      at += length;
    }
  close(fd);
  return n;
}

static unsigned forever, ready;
static void *waits(void *argument) {
  count_up(&ready);
  wait_while(&forever, 0);
  return argument;
}
static void wait_for_child(const char *what, pid_t pid) {
  int status;
  if (waitpid(pid, &status, 0) != pid) die("waitpid");
  show_status(what, status);
}
static void *twice(void *argument) { return (void *)(2 * (intptr_t)argument); }

static void from_main(void) {
  for (int i = 0; i < 10; i++) start(waits, NULL);
  wait_for(&ready, 10);
  CHECK(count() == 11);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    CHECK(count() == 1);
    CHECK(gettid() == getpid());
    fflush(stdout);
    _exit(4);
  }
  wait_for_child("child", pid);
  CHECK(count() == 11);
}

static _Thread_local int local = 3;
static void *forks(void *argument) {
  local = 8;
  int before = gettid();
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    CHECK(count() == 1);
    CHECK(gettid() == getpid() && gettid() != before);
    CHECK(local == 8);
    CHECK((intptr_t)join(start(twice, (void *)21)) == 42);
    fflush(stdout);
    _exit((int)(intptr_t)argument);
  }
  wait_for_child("child", pid);
  CHECK(gettid() == before);
  return NULL;
}
static void from_thread(void) {
  for (int i = 0; i < 3; i++) start(waits, NULL);
  wait_for(&ready, 3);
  join(start(forks, (void *)5));
  join(start(forks, (void *)6));
}

// Others hold whatever locks there are.
static void *works(void *argument) {
  while (!LOAD(&forever)) {
    free(malloc(100));
    free(malloc(100000));
    struct sigaction action;
    sigaction(SIGUSR1, NULL, &action);
    sigaction(SIGUSR1, &action, NULL);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page, 4096);
    int fd = open("/proc/self/stat", O_RDONLY);
    close(fd);
  }
  return argument;
}
static void *creates(void *argument) {
  while (!LOAD(&forever)) join(start(twice, argument));
  return argument;
}
static void *forks_often(void *argument) {
  int good = 0;
  for (int i = 0; i < 20; i++) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
      void *block = malloc(1000);
      void *big = malloc(1000000);
      signal(SIGUSR2, SIG_IGN);
      int fd = open("/proc/self/stat", O_RDONLY);
      pthread_t thread = start(twice, (void *)4);
      _exit(block && big && fd >= 0 && join(thread) == (void *)8 ? 11 : 1);
    }
    waitpid(pid, &status, 0);
    good += WIFEXITED(status) && WEXITSTATUS(status) == 11;
  }
  printf("%d\n", good);
  return argument;
}
static void busy(void) {
  pthread_t threads[4], forking[2];
  for (int i = 0; i < 4; i++) threads[i] = start(i % 2 ? works : creates, NULL);
  for (int i = 0; i < 2; i++) forking[i] = start(forks_often, NULL);
  for (int i = 0; i < 2; i++) join(forking[i]);
  STORE(&forever, 1);
  for (int i = 0; i < 4; i++) join(threads[i]);
}

static pid_t forked;
static void handler(int signal) {
  (void)signal;
  forked = fork();
}
static void *raises(void *argument) {
  raise(SIGUSR1);
  if (forked == 0) {
    CHECK(count() == 1);
    fflush(stdout);
    _exit(6);
  }
  wait_for_child("child", forked);
  return argument;
}
static void in_handler(void) {
  signal(SIGUSR1, handler);
  start(waits, NULL);
  wait_for(&ready, 1);
  fflush(stdout);
  join(start(raises, NULL));
}

static void *forks_deeper(void *argument) {
  intptr_t level = (intptr_t)argument;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    if (level == 0) _exit(0);
    join(start(forks_deeper, (void *)(level - 1)));
    fflush(stdout);
    _exit((int)level);
  }
  wait_for_child("child", pid);
  return argument;
}
static void threads_again(void) { join(start(forks_deeper, (void *)5)); }

// The only thread of a copy, which was not the first in the process before.
static void *forks_and_ends(void *argument) {
  int how = (int)(intptr_t)argument;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(open("/dev/null", O_WRONLY), 2);
    if (how == 0) return NULL;
    if (how == 1) pthread_exit(NULL);
    if (how == 2) raw(exit, 9);
    if (how == 3) raw(exit_group, 10);
    if (how == 4) *(volatile char *)BAD = 1;
    if (how == 5) exit(12);
    if (how == 6) raise(SIGTERM);
    if (how == 7) {
      start(twice, NULL);
      raw(exit_group, 14);
    }
    if (how == 8) {
      start(waits, NULL);
      *(volatile char *)BAD = 1;
    }
  }
  wait_for_child("child", pid);
  return NULL;
}
static void ends(void) {
  for (intptr_t i = 0; i < 9; i++) {
    printf("%d ", (int)i);
    join(start(forks_and_ends, (void *)i));
  }
}

static void *forks_masked(void *argument) {
  sigset_t set, got;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, 50);
  pthread_sigmask(SIG_SETMASK, &set, NULL);
  raise(SIGUSR1);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    pthread_sigmask(SIG_SETMASK, NULL, &got);
    CHECK(sigismember(&got, SIGUSR1) && sigismember(&got, 50) && !sigismember(&got, SIGUSR2));
    sigpending(&got);
    CHECK(!sigismember(&got, SIGUSR1));
    fflush(stdout);
    _exit(0);
  }
  wait_for_child("child", pid);
  sigpending(&got);
  CHECK(sigismember(&got, SIGUSR1));
  return argument;
}
static void masks(void) {
  join(start(forks_masked, NULL));
  sigset_t got;
  pthread_sigmask(SIG_SETMASK, NULL, &got);
  CHECK(!sigismember(&got, SIGUSR1));
}

// Whichever thread waits gets to know.
static pid_t child;
static void *forks_only(void *argument) {
  child = fork();
  if (child == 0) _exit(17);
  return argument;
}
static void *vforks(void *argument) {
  int status;
  // A child of vfork's may only end.
  int pid = VFORK();
  if (pid == 0)
    for (;;) raw(exit_group, 18);
  waitpid(pid, &status, 0);
  show_status("copy", status);
  return argument;
}
static void waiting(void) {
  join(start(forks_only, NULL));
  wait_for_child("child of a thread that is gone", child);
  for (int i = 0; i < 5; i++) join(start(vforks, NULL));
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
#define CASE(name)                                                                                 \
  if (strcmp(argv[1], #name) == 0) return name(), 0
  CASE(from_main);
  CASE(from_thread);
  CASE(busy);
  CASE(in_handler);
  CASE(threads_again);
  CASE(ends);
  CASE(masks);
  CASE(waiting);
  return 2;
}
