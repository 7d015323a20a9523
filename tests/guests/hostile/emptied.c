// Guests that take their own memory away, in part or all of it, and then have the runtime work on
// it: calls, signals, segments over everything. The kernel must find nothing, and the end must be
// as natively.
#include "hostile.h"
#include <signal.h>

#define PAGE 4096u
#define P(pointer) ((uintptr_t)(pointer))
#define LAST 0x7ffff000u
#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info, (void)context;
}

// From here on nothing but locals that live in no memory may be used. The result says at which
// step something was not as it has to be.
static int no_memory(void) {
  if (raw(munmap, 0, LAST) != 0) return 1;
  if (raw(getpid) <= 0) return 2;
  if (raw(write, 1, (void *)64, 8) != -EFAULT) return 3;
  if (raw(getrandom, (void *)65536, 8, 0) != -EFAULT) return 4;
  if (raw(openat, -100, (void *)70000, 0, 0) != -EFAULT) return 5;
  if (raw(pipe2, (void *)70000, 0) != -EFAULT) return 6;
  if (raw(mprotect, PAGE, PAGE, RW) != -ENOMEM) return 7;
  if (raw(mremap, PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0) != -EFAULT) return 8;
  if (raw(munmap, 0, LAST) != 0) return 9;
  // And there is room for everything again.
  if (raw(mmap, 64 * PAGE, 1 << 20, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0) != 64 * PAGE) return 10;
  if (*(volatile char *)(65 * PAGE) != 0) return 11;
  *(volatile char *)(65 * PAGE) = 1;
  if (raw(brk, 0) <= 0) return 12;
  return 0;
}

static int ends_as(int (*f)(void), int signal, int status) {
  fflush(stdout);
  long long child = raw(fork);
  if (child == 0) {
    // What the runtime has to say about its end is no news here.
    raw(close, 2);
    raw(exit_group, f());
  }
  int got = -1;
  raw(wait4, (int)child, &got, 0, NULL);
  if (got == (signal ? signal : status << 8)) return 1;
  printf("status %x\n", got);
  return 0;
}

static int signal_without_stack(void) {
  if (raw(munmap, 0, LAST) != 0) return 1;
  raw(kill, (int)raw(getpid), SIGUSR1);
  return 2;
}

static int default_signal(void) {
  if (raw(munmap, PAGE, LAST - PAGE) != 0) return 1;
  raw(kill, (int)raw(getpid), SIGTERM);
  return 2;
}

static int unmapped_access(void) {
  if (raw(munmap, 0, LAST) != 0) return 1;
  *(volatile int *)(256 * PAGE) = 1;
  return 2;
}

static int locked_away(void) {
  if (raw(mprotect, PAGE, LAST - PAGE, PROT_NONE) != -ENOMEM) return 1;
  return *(volatile int *)(16 * PAGE);
}

// A segment over all that there is.
static int segment_over_all(void) {
  long long id = raw(shmget, 0, 1 << 20, 01600);
  if (id < 0) return 1;
  for (unsigned at = 0; at < 8; at++) {
    long long got = raw(shmat, (int)id, at << 20, 040000);
    if (at == 0 && got != -EINVAL) return 2;
    if (at > 0 && got != at << 20 && got != -ENOMEM) return 3;
  }
  raw(shmctl, (int)id, 0, 0);
  for (unsigned at = 1; at < 8; at++)
    if (raw(shmdt, at << 20) != 0) return 4;
  if (raw(shmdt, 1 << 20) != -EINVAL) return 5;
  return raw(write, 1, (void *)(3 << 20), 1) == -EFAULT ? 0 : 6;
}

// Files that shrink while the runtime copies from them and to them.
static int shrinking(void) {
  int fd = memfd_create("file", 0);
  if (fd < 0 || ftruncate(fd, 2 * PAGE) != 0) return 1;
  char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
  memset(p, 'x', 2 * PAGE);
  long long child = raw(fork);
  if (child == 0) {
    raw(prctl, 1 /* PR_SET_PDEATHSIG */, SIGKILL, 0, 0, 0);
    for (;;) {
      raw(ftruncate, fd, 0LL);
      raw(ftruncate, fd, (long long)2 * PAGE);
    }
  }
  int bad = 0;
  // Structures, strings, arrays and values that the runtime itself reads and writes.
  for (int i = 0; i < 20000 && !bad; i++) {
    long long got = raw(rt_sigaction, SIGUSR2, NULL, (void *)(p + PAGE + 8), 8);
    bad |= got != 0 && got != -EFAULT;
    got = raw(execve, p, P(p + 4088), P(p + PAGE + 4088));
    bad |= got >= 0;
    got = raw(epoll_pwait, 0, (void *)(p + PAGE - 4), 2, 0, NULL, 8);
    bad |= got >= 0;
    got = raw(getrlimit, 9, (void *)(p + PAGE - 8));
    bad |= got != 0 && got != -EFAULT;
    got = raw(futex, (void *)(p + PAGE), 1, 1, 0, NULL, 0);
    bad |= got != 0 && got != -EFAULT;
    got = raw(set_tid_address, P(p + PAGE));
    bad |= got <= 0;
  }
  raw(kill, (int)child, 9);
  raw(wait4, (int)child, NULL, 0, NULL);
  return bad ? 2 : 0;
}

// Moves onto, into and across everything.
static int moves(void) {
  for (unsigned at = 0; at < 64; at++) {
    unsigned from = at * 16 * PAGE;
    raw(mremap, from, LAST, LAST, 3, from + PAGE);
    raw(mremap, from, 0xfffff000u, PAGE, 3, PAGE);
    raw(mremap, from, PAGE, 0xfffff000u, 1, 0);
    raw(mremap, from, PAGE, 0xffffffffu, 7, 0xfffff000u);
    raw(mremap, from, 0, 0x7fffffffu, 3, PAGE);
    raw(madvise, from, 0xffffffffu, 10);
    raw(mlock, from, 0xffffffffu);
    raw(mincore, from, 0xffffffffu, PAGE);
    raw(msync, from, 0xffffffffu, 4);
  }
  return 0;
}

int main(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = on_signal;
  HOLDS(sigaction(SIGUSR1, &action, NULL) == 0);
  HOLDS(ends_as(no_memory, 0, 0));
  HOLDS(ends_as(signal_without_stack, SIGSEGV, 0));
  HOLDS(ends_as(default_signal, SIGTERM, 0));
  HOLDS(ends_as(unmapped_access, SIGSEGV, 0));
  HOLDS(ends_as(locked_away, SIGSEGV, 0));
  HOLDS(ends_as(segment_over_all, 0, 0));
  HOLDS(ends_as(shrinking, 0, 0));
  HOLDS(ends_as(moves, 0, 0));
  // The null page: no protection, nothing mapped over it, nothing moved there.
  MUST(raw(mprotect, 0, PAGE, PROT_NONE), -ENOMEM);
  MUST(raw(mprotect, 0, 2 * PAGE, PROT_NONE), -ENOMEM);
  FAILS(raw(mmap, 0, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0));
  FAILS(raw(mremap, 64 * PAGE, PAGE, PAGE, 3, 0));
  MUST(raw(madvise, 0, PAGE, 4), -ENOMEM);
  MUST(raw(mlock, 0, PAGE), -ENOMEM);
  return broken;
}
