// A handler that lets calls begin again runs first.
#include "gap.h"

static int from[2], to[2];
static void lets_go(int signal) {
  (void)signal;
  if (write(from[1], "x", 1) != 1) _exit(2);
}
static void splices(void) {
  struct sigaction action = {.sa_handler = lets_go, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  pid_t child = getpid();
  if (fork() == 0) {
    usleep(200000);
    kill(child, SIGUSR1);
    usleep(3000000);
    kill(child, SIGKILL);
    _exit(0);
  }
  LINUX(splice(from[0], NULL, to[1], NULL, 1, 0) == 1);
}

int main(void) {
  if (pipe(from) || pipe(to)) return 2;
  LINUX(IN_CHILD(splices()) == 0);
  return gap_found;
}
