// The runtime's own descriptors: closing, replacing and duplicating everything must not reach
// them, and what they are for works afterwards.
#include "hostile.h"
#include <sys/resource.h>

static void works(void) {
  MUST(raw(open, "/proc/self/mem", O_RDWR, 0), -EACCES);
  int fd = open("/proc/self/status", O_RDONLY);
  HOLDS(fd >= 0);
  close(fd);
  // The same mode as memory: only by the runtime's descriptor of procfs can it be told apart.
  if (geteuid() == 0) {
    fd = raw(open, "/proc/sys/kernel/cad_pid", O_RDONLY, 0);
    HOLDS(fd >= 0);
    close(fd);
  }
}

// Nor can they be sent, which would bring copies of them.
static void sends_none(int most) {
  int pair[2];
  HOLDS(raw(socketpair, 1 /* AF_UNIX */, 2 /* SOCK_DGRAM */, 0, pair) == 0);
  char path[64], byte = 0;
  for (int fd = 4; fd < most + 64; fd++) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd == pair[0] || fd == pair[1] || raw(readlink, path, &byte, 1) < 0) continue;
    struct { unsigned long long len; int level, type, fds[2]; } rights = {24, 1, 1, {1, fd}};
    struct { unsigned base, len; } piece = {(unsigned)(uintptr_t)&byte, 1};
    struct { unsigned name, namelen, iov, iovlen, pad, control, controllen, pad2, flags; } message =
        {0, 0, (unsigned)(uintptr_t)&piece, 1, 0, (unsigned)(uintptr_t)&rights, sizeof rights, 0, 0};
    MUST(raw(sendmsg, pair[0], (unsigned)(uintptr_t)&message, 0), -EBADF);
  }
  close(pair[0]), close(pair[1]);
}

int main(void) {
  struct rlimit limit;
  HOLDS(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  int most = limit.rlim_cur > 1 << 20 ? 1 << 20 : (int)limit.rlim_cur;
  works();

  // As a daemon does. Standard output stays, to tell of it.
  int file = open("file", O_RDWR | O_CREAT, 0600);
  for (int fd = 3; fd < most + 64; fd++) raw(close, fd);
  works();
  MUST(raw(close_range, 3, 0xffffffff, 0), 0);
  works();
  MUST(raw(close_range, 3, 0xffffffff, 4 /* CLOSE_RANGE_CLOEXEC */), 0);
  MUST(raw(close_range, 3, 0xffffffff, 2 /* CLOSE_RANGE_UNSHARE */), 0);
  MUST(raw(close_range, 3, 0xffffffff, 64), -EINVAL);
  MUST(raw(close_range, 4, 3, 0), -EINVAL);
  works();

  // As natively: descriptors can be had up to the limit, and not beyond.
  file = open("file", O_RDWR | O_CREAT, 0600);
  HOLDS(file == 3);
  int refused = 0;
  for (int fd = 4; fd < most + 64; fd++) {
    long long result = raw(dup2, file, fd);
    if (fd >= most) {
      must("dup2 beyond the limit", result, -EBADF);
    } else if (result != fd) {
      refused++;
      must("dup2", result, -EBADF);
    } else {
      close(fd);
    }
  }
  // The few that are the runtime's, where the limit cannot be exceeded.
  HOLDS(refused <= 16);
  MUST(raw(dup2, file, most), -EBADF);
  MUST(raw(dup3, file, most, 0), -EBADF);
  MUST(raw(dup3, file, most, 1), -EINVAL);
  works();

  // Numbers that are the runtime's are open to no call, whatever there is.
  char path[64], byte;
  struct { unsigned long long flags, mode, resolve; } how = {O_RDONLY, 0, 0};
  int there = 0;
  for (int fd = 4; fd < most + 64; fd++) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (raw(readlink, path, &byte, 1) < 0) continue;
    there++;
    MUST(raw(fcntl, fd, 1 /* F_GETFD */, 0), -EBADF);
    MUST(raw(fcntl, fd, 0 /* F_DUPFD */, 0), -EBADF);
    MUST(raw(fcntl, fd, 2 /* F_SETFD */, 0), -EBADF);
    MUST(raw(close, fd), -EBADF);
    MUST(raw(dup, fd), -EBADF);
    MUST(raw(dup2, file, fd), -EBADF);
    MUST(raw(dup2, fd, file), -EBADF);
    MUST(raw(dup3, fd, file, 0), -EBADF);
    MUST(raw(read, fd, &byte, 1), -EBADF);
    MUST(raw(openat, fd, "..", O_RDONLY, 0), -EBADF);
    MUST(raw(openat2, fd, "..", (void *)&how, sizeof how), -EBADF);
    MUST(raw(fchdir, fd), -EBADF);
    MUST(raw(sendmsg, fd, 0, 0), -EBADF);
    MUST(raw(recvmsg, fd, 0, 0), -EBADF);
    MUST(raw(epoll_wait, fd, (void *)&how, 1, 0), -EBADF);
    MUST(raw(setsockopt, fd, 1 /* SOL_SOCKET */, 26 /* SO_ATTACH_FILTER */, &how, 8), -EBADF);
    MUST(raw(ioctl, fd, 0x5450 /* FIONCLEX */, 0), -EBADF);
    MUST(raw(ioctl, fd, 0x12345678, 0), -EBADF);
  }
  HOLDS(there > 0);
  sends_none(most);
  works();
  return broken;
}
