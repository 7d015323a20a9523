// mmap and its kin say what Linux says, and what advice asks is done.
#include "gap.h"

int main(void) {
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pages[0] = 1;
  LINUX(madvise(pages, 4096, MADV_DONTFORK) == 0);
  int status = IN_CHILD({
    signal(SIGSEGV, SIG_DFL);
    _exit(((volatile char *)pages)[0]);
  });
  LINUX(WIFSIGNALED(status));
  LINUX(ERROR_OF(madvise(pages, 4096, 12345)) == EINVAL);
  LINUX(ERROR_OF(syscall(SYS_mremap, pages + 1, 4096, 4096, 0, 0)) == EINVAL);
  return gap_found;
}
