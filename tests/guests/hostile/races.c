// Structures that another process changes while the kernel is given them: memory that both
// share, vectors whose addresses and lengths alternate between good and impossible ones.
#include "hostile.h"
#include <signal.h>
#include <sys/uio.h>

struct shared {
  struct iovec vectors[4];
  volatile int stop;
  char good[4096];
};

int main(void) {
  struct shared *shared =
      mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  HOLDS(shared != MAP_FAILED);
  int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
  long long child = raw(fork);
  if (child == -ENOSYS) return broken;
  HOLDS(child >= 0);
  if (child == 0) {
    volatile struct iovec *vectors = shared->vectors;
    for (unsigned i = 0; !shared->stop; i++) {
      vectors[i % 4].iov_base = i & 4 ? (void *)shared->good : (void *)0xfffff000;
      vectors[(i + 1) % 4].iov_len = i & 8 ? 16 : 0x7fffffff;
    }
    raw(exit_group, 0);
  }
  for (int round = 0; round < 20000; round++) {
    long long wrote = raw(writev, null, shared->vectors, 4);
    long long got = raw(readv, zero, shared->vectors, 4);
    // Never more than there is behind the addresses, except into /dev/null, which looks at
    // nothing.
    HOLDS(got <= 4 * 0x1fffe000LL);
    HOLDS(wrote >= 0 || wrote == -EFAULT || wrote == -EINVAL);
    HOLDS(got >= 0 || got == -EFAULT || got == -EINVAL);
    if (broken) break;
  }
  shared->stop = 1;
  int status = -1;
  raw(kill, (int)child, 9);
  raw(wait4, (int)child, &status, 0, NULL);
  return broken;
}
