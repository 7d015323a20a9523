// Old calls on ISAs that never had them, as programs there have to make them: by newer ones. An
// address where nothing is goes to the kernel as it is.
#pragma once
#include <poll.h>
#include <stdarg.h>
#include <sys/time.h>
#include <utime.h>

enum {
  SYS_open = -99,
  SYS_creat,
  SYS_pause,
  SYS_readlink,
  SYS_unlink,
  SYS_poll,
  SYS_select,
  SYS_epoll_wait,
  SYS_signalfd,
  SYS_utime,
  SYS_utimes,
  SYS_futimesat,
  SYS_inotify_init,
  SYS_ustat,
};

static inline void *bad_address(void);

static inline long newer_poll(long fds, long count, int timeout) {
  struct timespec time = {timeout / 1000, timeout % 1000 * 1000000L};
  return syscall(SYS_ppoll, fds, count, timeout < 0 ? NULL : &time, NULL, 8L);
}

static inline long newer_select(long count, long r, long w, long e, struct timeval *left) {
  if (left == NULL || left == bad_address())
    return syscall(SYS_pselect6, count, r, w, e, left, NULL);
  struct timespec time = {left->tv_sec + left->tv_usec / 1000000, left->tv_usec % 1000000 * 1000};
  long result = syscall(SYS_pselect6, count, r, w, e, &time, NULL);
  *left = (struct timeval){time.tv_sec, time.tv_nsec / 1000};
  return result;
}

static inline long newer_utime(long path, struct utimbuf *given) {
  if (given == NULL || given == bad_address())
    return syscall(SYS_utimensat, (long)AT_FDCWD, path, given, 0L);
  struct timespec times[2] = {{given->actime, 0}, {given->modtime, 0}};
  return syscall(SYS_utimensat, (long)AT_FDCWD, path, times, 0L);
}

static inline long newer_futimesat(long dir, long path, struct timeval *given) {
  if (given == NULL || given == bad_address()) return syscall(SYS_utimensat, dir, path, given, 0L);
  struct timespec times[2];
  for (int i = 0; i < 2; i++) {
    // Or it would be one of the values with a meaning of their own.
    if (given[i].tv_usec < 0 || given[i].tv_usec >= 1000000) return errno = EINVAL, -1;
    times[i] = (struct timespec){given[i].tv_sec, given[i].tv_usec * 1000};
  }
  return syscall(SYS_utimensat, dir, path, times, 0L);
}

// In place of syscall(2), and like it: all arguments are words, whether they were given or not.
static inline long newer(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  switch (number) {
    case SYS_open:
      return syscall(SYS_openat, (long)AT_FDCWD, a[0], a[1], a[2]);
    case SYS_creat:
      return syscall(SYS_openat, (long)AT_FDCWD, a[0], (long)(O_CREAT | O_WRONLY | O_TRUNC), a[1]);
    case SYS_pause:
      return syscall(SYS_ppoll, NULL, 0L, NULL, NULL, 8L);
    case SYS_readlink:
      return syscall(SYS_readlinkat, (long)AT_FDCWD, a[0], a[1], a[2]);
    case SYS_unlink:
      return syscall(SYS_unlinkat, (long)AT_FDCWD, a[0], 0L);
    case SYS_poll:
      return newer_poll(a[0], a[1], (int)a[2]);
    case SYS_select:
      return newer_select(a[0], a[1], a[2], a[3], (struct timeval *)a[4]);
    case SYS_epoll_wait:
      return syscall(SYS_epoll_pwait, a[0], a[1], a[2], a[3], NULL, 8L);
    case SYS_signalfd:
      return syscall(SYS_signalfd4, a[0], a[1], a[2], 0L);
    case SYS_utime:
      return newer_utime(a[0], (struct utimbuf *)a[1]);
    case SYS_utimes:
      return newer_futimesat(AT_FDCWD, a[0], (struct timeval *)a[1]);
    case SYS_futimesat:
      return newer_futimesat((int)a[0], a[1], (struct timeval *)a[2]);
    case SYS_inotify_init:
      return syscall(SYS_inotify_init1, 0L);
    default:
      return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
}
#define syscall newer
