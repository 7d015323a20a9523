// Setting ids and groups: raw, since C libraries set those of all threads.
#include "common.h"

#define KEEP (-1)

int main(void) {
  unsigned ruid, euid, suid, rgid, egid, sgid;
  RAW(raw(setresuid, KEEP, KEEP, KEEP));
  RAW(raw(setresgid, KEEP, KEEP, KEEP));
  RAW(raw(setreuid, KEEP, KEEP));
  RAW(raw(setregid, KEEP, KEEP));
  RAW(raw(setuid, -1));
  RAW(raw(setgid, -1));
  RAW(raw(getresuid, BAD, &euid, &suid));
  RAW(raw(getresgid, &rgid, NULL, &sgid));
  RAW(raw(setgroups, -1, NULL));
  RAW(raw(setgroups, 65537, NULL));
  RAW(raw(setgroups, 1, NULL));
  RAW(raw(setgroups, 1, BAD));
  // What follows takes privileges away, if there are any.
  unsigned groups[3] = {7, 5, 9}, got[4] = {0};
  RAW(raw(setgroups, 3, groups));
  RAW(raw(getgroups, 0, NULL));
  RAW(raw(getgroups, 2, got));
  RAW(raw(getgroups, 4, got));
  printf("%u %u %u\n", got[0], got[1], got[2]);
  RAW(raw(setgroups, 0, NULL));
  RAW(raw(getgroups, 4, got));
  RAW(raw(setfsgid, 1234));
  RAW(raw(setfsgid, -1) == raw(setfsgid, -1));
  RAW(raw(setfsuid, 1234));
  RAW(raw(setfsuid, -1) == raw(setfsuid, -1));
  RAW(raw(setresgid, 1001, 1002, 1003));
  RAW(raw(setregid, 1002, KEEP));
  RAW(raw(setresuid, 2001, 2002, 2001));
  RAW(raw(getresuid, &ruid, &euid, &suid));
  RAW(raw(getresgid, &rgid, &egid, &sgid));
  printf("%u %u %u, %u %u %u\n", ruid, euid, suid, rgid, egid, sgid);
  RAW(raw(setreuid, 2002, 2001));
  RAW(raw(geteuid));
  RAW(raw(setresuid, 0, 0, 0));
  RAW(raw(setgroups, 0, NULL));
  RAW(raw(setuid, 0));
  return 0;
}
