// Threads, signals, processes and files, as in any C program:
// wali-cc -O2 examples/hello.c -o hello.wasm && wali run hello.wasm
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void *count(void *argument) {
  long *sum = argument;
  for (long i = 1; i <= 1000; i++) __atomic_add_fetch(sum, i, __ATOMIC_RELAXED);
  return NULL;
}

static void on_signal(int signal) {
  (void)signal;
  static const char text[] = "a signal came\n";
  write(STDOUT_FILENO, text, sizeof text - 1);
}

int main(int argc, char **argv) {
  struct utsname system;
  uname(&system);
  printf("hello from %s on %s, with %d arguments\n", argc ? argv[0] : "?", system.machine, argc);

  long sum = 0;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) {
    if (pthread_create(&threads[i], NULL, count, &sum) != 0) return EXIT_FAILURE;
  }
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  printf("four threads counted to %ld\n", sum);
  fflush(stdout);

  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);

  pid_t child = fork();
  if (child == 0) {
    execlp("echo", "echo", "a native program, started by a guest", NULL);
    _exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}
