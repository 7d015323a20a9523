// A handler that lets calls begin again runs first.
#include "gap.h"

static int from[2], to[2];
static void lets_go(int signal) {
  (void)signal;
  if (write(from[1], "x", 1) != 1) _exit(2);
}
static char state(pid_t pid) {
  char path[64], text[512] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0) return 0;
  close(fd);
  char *end = strrchr(text, ')');
  return end ? end[2] : 0;
}
static void splices(void) {
  struct sigaction action = {.sa_handler = lets_go, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  pid_t child = getpid();
  if (fork() == 0) {
    // It sleeps in the call, where it has long been asleep.
    for (int asleep = 0; asleep < 20; asleep = state(child) == 'S' ? asleep + 1 : 0) usleep(10000);
    kill(child, SIGUSR1);
    for (int i = 0; i < 50 && getppid() == child; i++) usleep(100000);
    if (getppid() == child) kill(child, SIGKILL);
    _exit(0);
  }
  LINUX(splice(from[0], NULL, to[1], NULL, 1, 0) == 1);
}

int main(void) {
  if (pipe(from) || pipe(to)) return 2;
  LINUX(IN_CHILD(splices()) == 0);
  return gap_found;
}
