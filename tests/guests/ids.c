// Users, groups and processes: how the ids relate, since their values differ.
//
// cases:
//   all: {}
#include "common.h"

int main(void) {
  CHECK(getpid() > 0 && getpid() == getpid());
  CHECK(gettid() == getpid());
  CHECK(getppid() > 0 && getppid() != getpid());
  CHECK(getpgrp() == getpgid(0) && getpgid(0) == getpgid(getpid()));
  CHECK(getsid(0) == getsid(getpid()));
  LIBC(getpgid(0x7ffffff0));
  LIBC(getsid(0x7ffffff0));
  LIBC(getpgid(-1));
  LIBC(setpgid(0, 0));
  CHECK(getpgrp() == getpid());
  // The leader of a group cannot start a session.
  LIBC(setsid());
  LIBC(setpgid(-1, 0));
  LIBC(setpgid(0, -1));

  printf("%u %u %u %u\n", getuid(), geteuid(), getgid(), getegid());
  uid_t real = 7, effective = 7, saved = 7;
  LIBC(getresuid(&real, &effective, &saved));
  CHECK(real == getuid() && effective == geteuid());
  LIBC(getresgid(&real, &effective, &saved));
  CHECK(real == getgid() && effective == getegid());
  LIBC(setuid(getuid()));
  LIBC(setgid(getgid()));
  LIBC(setreuid(-1, -1));
  gid_t groups[1024];
  int count = getgroups(0, NULL);
  CHECK(count >= 0 && getgroups(1024, groups) == count);
  LIBC(getgroups(-1, groups));
  RAW(raw(getresuid, BAD, BAD, BAD));
  return 0;
}
