// Limits and usage.
//
// cases:
//   all: {}
#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "common.h"

int main(void) {
  struct rlimit limit, other;
  for (int resource = 0; resource < 16; resource++) {
    if (getrlimit(resource, &limit) != 0) die("getrlimit");
    CHECK(limit.rlim_cur <= limit.rlim_max);
    CHECK(raw(prlimit64, 0, resource, (void *)0, (void *)&other) == 0 &&
          other.rlim_cur == limit.rlim_cur && other.rlim_max == limit.rlim_max);
  }
  LIBC(getrlimit(RLIMIT_CORE, &limit));
  limit.rlim_cur = 0;
  LIBC(setrlimit(RLIMIT_CORE, &limit));
  LIBC(getrlimit(RLIMIT_CORE, &other));
  CHECK(other.rlim_cur == 0 && other.rlim_max == limit.rlim_max);

  // The limit holds: the lowest free number is beyond it.
  LIBC(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = 8;
  LIBC(setrlimit(RLIMIT_NOFILE, &limit));
  int opened = 0;
  while (open("/dev/null", O_RDONLY) >= 0) opened++;
  printf("opened %d, then %s\n", opened, error_name(errno));
  LIBC(dup2(0, 8));
  LIBC(dup2(0, 7));

  RAW(raw(prlimit64, 0, 99, (void *)0, (void *)&other));
  RAW(raw(prlimit64, 0x7ffffff0, RLIMIT_CORE, (void *)0, (void *)&other));
  RAW(raw(prlimit64, 0, RLIMIT_CORE, BAD, (void *)0));
  limit.rlim_cur = 2, limit.rlim_max = 1;
  LIBC(setrlimit(RLIMIT_CORE, &limit));

  struct rusage usage;
  memset(&usage, 0xff, sizeof usage);
  LIBC(getrusage(RUSAGE_SELF, &usage));
  CHECK(usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_sec < 60 && usage.ru_utime.tv_usec < 1000000);
  CHECK(usage.ru_maxrss > 0 && usage.ru_minflt > 0 && usage.ru_majflt >= 0);
  LIBC(getrusage(RUSAGE_CHILDREN, &usage));
  CHECK(usage.ru_maxrss == 0 && usage.ru_utime.tv_sec == 0);
  LIBC(getrusage(12345, &usage));
  RAW(raw(getrusage, RUSAGE_SELF, BAD));

  struct sysinfo info;
  memset(&info, 0xff, sizeof info);
  LIBC(sysinfo(&info));
  CHECK(info.uptime > 0 && info.totalram > 0 && info.freeram <= info.totalram && info.procs > 0);
  CHECK(info.mem_unit >= 1 && info.mem_unit <= 65536);
  LIBC(sched_yield());
  return 0;
}
