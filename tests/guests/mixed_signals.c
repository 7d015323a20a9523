// A signal and one of a fault, both sent by another process while the guest is inside of one long
// call: each has its handler run once, and the mask comes back.
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

#define ROUNDS 200
#define LENGTH (64 << 20)
#define PAGE 4096

static volatile int users, faults;
static void on_user(int signal) { (void)signal, users++; }
static void on_fault(int signal) { (void)signal, faults++; }

// Sends both, some time apart, whenever it is told to.
static void sender(int told, int done) {
  char byte;
  while (read(told, &byte, 1) == 1) {
    struct timespec apart = {0, 20000 * (byte % 10 + 1)};
    kill(getppid(), SIGUSR1);
    nanosleep(&apart, 0);
    kill(getppid(), byte & 1 ? SIGSEGV : SIGBUS);
    if (write(done, &byte, 1) != 1) _exit(1);
  }
  _exit(0);
}

int main(void) {
  struct sigaction action = {.sa_flags = SA_RESTART};
  action.sa_handler = on_user;
  sigaction(SIGUSR1, &action, 0);
  action.sa_handler = on_fault;
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  // Many mappings, so that a call about all of them takes long.
  char *memory = mmap(0, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  for (int at = 0; at < LENGTH; at += 2 * PAGE) mprotect(memory + at, PAGE, PROT_READ);
  int go[2], done[2];
  if (pipe(go) || pipe(done)) return 1;
  pid_t child = fork();
  if (child == 0) {
    close(go[1]), close(done[0]);
    sender(go[0], done[1]);
  }
  close(go[0]), close(done[1]);
  for (int round = 0; round < ROUNDS; round++) {
    char byte = (char)round;
    if (write(go[1], &byte, 1) != 1) return 1;
    int result = madvise(memory, LENGTH, MADV_NORMAL);
    if (read(done[0], &byte, 1) != 1) return 1;
    // What was sent before the answer has come.
    if (result || users != round + 1 || faults != round + 1) {
      printf("round %d: %d, %d signals, %d of faults\n", round, result, users, faults);
      break;
    }
  }
  sigset_t mask;
  sigprocmask(SIG_BLOCK, 0, &mask);
  printf("blocked: %d %d %d\n", sigismember(&mask, SIGUSR1), sigismember(&mask, SIGSEGV),
         sigismember(&mask, SIGTERM));
  printf("%d and %d\n", users, faults);
  close(go[1]);
  int status;
  waitpid(child, &status, 0);
  return 0;
}
