// Mappings that would leave the guest's memory, or a hole in it for the host's to lie in.
#include "hostile.h"

#define MiB (1u << 20)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static unsigned map(unsigned at, unsigned length, int flags) {
  return (unsigned)raw(mmap, at, length, RW, PRIVATE | flags, -1, 0);
}

int main(void) {
  unsigned at = map(0, MiB, 0);
  HOLDS(at % 4096 == 0 && at != 0);
  memset((void *)at, 7, MiB);

  // Lengths past the end, and sums that wrap.
  MUST(raw(munmap, at, 0xffffffff), -EINVAL);
  MUST(raw(munmap, 0xfffff000, 0x2000), -EINVAL);
  MUST(raw(munmap, at + 1, 4096), -EINVAL);
  MUST(raw(munmap, at, 0), -EINVAL);
  MUST(raw(mremap, at, 0xfffff000, 4096, 0, 0), -EINVAL);
  MUST(raw(mremap, at, MiB, 0xfffff000, MREMAP_MAYMOVE, 0), -ENOMEM);
  MUST(raw(mremap, at, MiB, MiB, MREMAP_MAYMOVE | MREMAP_FIXED, 0xfffff000), -EINVAL);
  MUST(raw(mremap, at, MiB, 0, MREMAP_MAYMOVE, 0), -EINVAL);
  MUST(raw(mprotect, 0xfffff000, 0xfffff000, PROT_READ), -ENOMEM);
  MUST(raw(msync, 0xfffff000, 0x2000, MS_SYNC), -ENOMEM);
  FAILS(raw(madvise, 0xfffff000, 0x2000, MADV_DONTNEED));
  // A length that wraps to nothing locks nothing, as natively.
  MUST(raw(mlock, 0xfffff000, 0xffffffff), 0);
  FAILS(raw(mlock, 0xfffff000, 0x2000));
  HOLDS(*(char *)at == 7);

  // Fixed addresses outside, at the end, at the null pointer.
  FAILS(raw(mmap, 0xfffff000, 0x2000, RW, PRIVATE | MAP_FIXED, -1, 0));
  FAILS(raw(mmap, 0xfffff000, 0x1000, RW, PRIVATE | MAP_FIXED, -1, 0));
  FAILS(raw(mmap, 0x80000000, 0x1000, RW, PRIVATE | MAP_FIXED, -1, 0));
  FAILS(raw(mmap, 0x7fffffff, 0x1000, RW, PRIVATE | MAP_FIXED, -1, 0));
  FAILS(raw(mmap, 0, 0x1000, RW, PRIVATE | MAP_FIXED, -1, 0));
  FAILS(raw(mmap, at, 0xffffffff, RW, PRIVATE | MAP_FIXED, -1, 0));
  FAILS(raw(mmap, 0, 0xffffffff, RW, PRIVATE, -1, 0));
  MUST(raw(mmap, at, MiB, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0), -EEXIST);
  HOLDS(*(char *)at == 7);

  // A hole, over and over, with room in the host for something to fall into it: descriptors,
  // buffers of the kernel's, mappings of files.
  char name[] = "grown";
  int fd = open(name, O_RDWR | O_CREAT, 0600);
  HOLDS(ftruncate(fd, MiB) == 0);
  for (int round = 0; round < 200; round++) {
    unsigned hole = at + 4096 * (round % 200 + 10);
    MUST(raw(munmap, hole, 4096), 0);
    // The kernel is told that nothing is there.
    MUST(raw(read, open("/dev/zero", O_RDONLY), (void *)hole, 16), -EFAULT);
    MUST(raw(mprotect, hole, 4096, RW), -ENOMEM);
    unsigned file = (unsigned)raw(mmap, 0, MiB / 2, PROT_READ, MAP_SHARED, fd, 0);
    HOLDS(file >= 4096);
    MUST(raw(mmap, hole, 4096, RW, PRIVATE | MAP_FIXED, -1, 0), hole);
    HOLDS(*(char *)hole == 0);
    *(char *)hole = 7;
    MUST(raw(munmap, file, MiB / 2), 0);
    close(fd + 1);
  }
  // A file that refuses to be mapped does not take away what was there.
  int pipes[2];
  HOLDS(pipe(pipes) == 0);
  MUST(raw(mmap, at, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, pipes[0], 0), -ENODEV);
  HOLDS(*(char *)at == 7);
  // Nothing ever becomes executable, though nobody complains.
  MUST(raw(mprotect, at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
  FILE *unused = stdout;
  (void)unused;
  return broken;
}
