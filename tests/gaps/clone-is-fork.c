// clone without a thread does what its flags say.
#include <sched.h>

#include "gap.h"

static long clones(unsigned long flags) { return syscall(SYS_clone, flags, 0, 0, 0, 0); }

int main(void) {
  int status;
  mkdir("there", 0700);
  pid_t child = (pid_t)clones(CLONE_FS | SIGCHLD);
  if (child == 0) _exit(chdir("there"));
  waitpid(child, &status, 0);
  LINUX(chdir("../there") == 0);
  // Without a signal at its end it is for others to wait for.
  child = (pid_t)clones(0);
  if (child == 0) _exit(0);
  LINUX(child < 0 || ERROR_OF(waitpid(child, &status, 0)) == ECHILD);
  LINUX(child < 0 || waitpid(child, &status, __WALL) == child);
  struct {
    uint64_t words[8];
  } arguments = {{0, 0, 0, 0, SIGCHLD}};
  child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) _exit(0);
  LINUX(child > 0);
  return gap_found;
}
