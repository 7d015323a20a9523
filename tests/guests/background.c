// What changes a terminal stops a process in the background: with a handler, it is asked again and
// again, until it lets go of the wish or ignores the signal.
#include <signal.h>
#include <sys/wait.h>

#include "common.h"

#ifndef __wasm__
#include <asm/ioctls.h>
#endif


#define ioctl(fd, request, argument) raw(ioctl, fd, request, (uintptr_t)(argument))

static volatile int asked;
static void on_output(int number) {
  if (++asked == 3) signal(number, SIG_IGN);
}

static void in_background(int terminal) {
  static const struct { const char *name; unsigned request; int value, pointer; } all[] = {
      {"TCSETS", TCSETS, 0, 1},     {"TCXONC", TCXONC, 1, 0},     {"TCFLSH", TCFLSH, 0, 0},
      {"TIOCSPGRP", TIOCSPGRP, 0, 1}, {"TIOCSBRK", TIOCSBRK, 0, 0}, {"TIOCCBRK", TIOCCBRK, 0, 0},
      {"TIOCSETD", TIOCSETD, 0, 1},
  };
  char settings[64];
  if (ioctl(terminal, TCGETS, settings)) _exit(1);
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    int flags[] = {SA_RESTART, 0};
    for (int f = 0; f < 2; f++) {
      struct sigaction action = {.sa_flags = flags[f]};
      action.sa_handler = on_output;
      sigaction(SIGTTOU, &action, 0);
      asked = 0;
      int word = all[i].request == TIOCSPGRP ? getpgrp() : 0;
      void *at = all[i].request == TCSETS ? (void *)settings : (void *)&word;
      uintptr_t argument = all[i].pointer ? (uintptr_t)at : (uintptr_t)all[i].value;
      long long result = ioctl(terminal, all[i].request, argument);
      printf("%s%s: %s, asked %d times\n", all[i].name, flags[f] ? ", restarted" : "",
             outcome(result), asked);
    }
    // Whoever came to the foreground by it leaves again.
    if (all[i].request == TIOCSPGRP) {
      int before = getppid();
      signal(SIGTTOU, SIG_IGN);
      ioctl(terminal, TIOCSPGRP, &before);
    }
  }
}

int main(void) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), locked = 0;
  if (master < 0 || ioctl(master, TIOCSPTLCK, &locked)) return 1;
  fflush(stdout);
  pid_t leader = fork();
  if (leader == 0) {
    setsid();
    int terminal = (int)ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0)) _exit(1);
    pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      in_background(terminal);
      fflush(stdout);
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    printf("ended with %x\n", status);
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(leader, &status, 0);
  printf("leader: %x\n", status);
  return 0;
}
