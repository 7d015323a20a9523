// An access over the end of what can be accessed names where that is, and memory beyond the end of
// a file is the program's to fault on.
#include "gap.h"

static char *pages;
static void notes(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  LINUX(info->si_addr == pages + 4096);
  _exit(gap_found);
}

struct odd {
  uint64_t word;
} __attribute__((packed));

static void crosses(void) {
  struct sigaction action = {.sa_sigaction = notes, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  volatile uint64_t word = ((struct odd *)(pages + 4092))->word;
  (void)word;
  _exit(2);
}

static void beyond(void) {
  int fd = open("short", O_RDWR | O_CREAT, 0600);
  unlink("short");
  if (ftruncate(fd, 100)) _exit(2);
  char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  LINUX(ERROR_OF(syscall(SYS_clock_gettime, CLOCK_REALTIME, at + 4096)) == EFAULT);
}

int main(void) {
  pages = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(pages + 4096, 4096, PROT_NONE);
  LINUX(IN_CHILD(crosses()) == 0);
  LINUX(IN_CHILD(beyond()) == 0);
  return gap_found;
}
