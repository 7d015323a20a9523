// Calls that are there say what is wrong with their arguments.
#include "gap.h"

int main(void) {
  LINUX(ERROR_OF(syscall(SYS_epoll_pwait2, -1, 0, 1, 0, 0, 0)) != ENOSYS);
  LINUX(ERROR_OF(syscall(SYS_futex_waitv, 0, 0, 0, 0, 0)) != ENOSYS);
  LINUX(ERROR_OF(syscall(SYS_kcmp, 0, 0, -1, 0, 0)) != ENOSYS);
  LINUX(ERROR_OF(syscall(SYS_keyctl, -1, 0, 0, 0, 0)) != ENOSYS);
  LINUX(ERROR_OF(syscall(SYS_mq_notify, -1, 0)) != ENOSYS);
  return gap_found;
}
