// SA_NOCLDSTOP and SA_NOCLDWAIT are the kernel's to know.
#include "gap.h"

static volatile int came;
static void counts(int signal) { came += signal == SIGCHLD; }

int main(void) {
  struct sigaction action = {.sa_handler = counts, .sa_flags = SA_NOCLDSTOP};
  int status;
  sigaction(SIGCHLD, &action, NULL);
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  kill(child, SIGSTOP);
  waitpid(child, &status, WUNTRACED);
  LINUX(came == 0);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  action.sa_flags = SA_NOCLDWAIT | SA_RESTART;
  sigaction(SIGCHLD, &action, NULL);
  child = fork();
  if (child == 0) _exit(0);
  LINUX(ERROR_OF(waitpid(child, &status, 0)) == ECHILD);
  return gap_found;
}
