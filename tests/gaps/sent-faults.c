// SIGSEGV and SIGBUS that processes send are signals like others.
#include "gap.h"

static volatile int came, code;
static void notes(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  came++, code = info->si_code;
}

static void gets(int which) {
  struct sigaction action = {.sa_sigaction = notes, .sa_flags = SA_SIGINFO};
  sigaction(which, &action, NULL);
  sigset_t set, pending;
  sigemptyset(&set), sigaddset(&set, which);
  sigprocmask(SIG_BLOCK, &set, NULL);
  kill(getpid(), which);
  LINUX(came == 0);
  sigpending(&pending);
  LINUX(sigismember(&pending, which));
  siginfo_t info = {0};
  struct timespec none = {0, 0};
  LINUX(sigtimedwait(&set, &info, &none) == which);
  kill(getpid(), which);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  LINUX(came == 1 && code == SI_USER);
}

int main(void) {
  LINUX(IN_CHILD(gets(SIGSEGV)) == 0);
  LINUX(IN_CHILD(gets(SIGBUS)) == 0);
  return gap_found;
}
