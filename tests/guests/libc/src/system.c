// Memory, time, identity, limits: the kernel's calls under their C names.
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define INT(call) (int)__result(wali_sys_##call)
#define LONG(call) __result(wali_sys_##call)

// The kernel takes these addresses as numbers.
#define AT(pointer) (unsigned)(uintptr_t)(pointer)

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return (void *)(uintptr_t)LONG(mmap(AT(address), length, protection, flags, fd, offset));
}
int munmap(void *address, size_t length) { return INT(munmap(AT(address), length)); }
int mprotect(void *address, size_t length, int protection) {
  return INT(mprotect(AT(address), length, protection));
}
void *mremap(void *address, size_t old_length, size_t new_length, int flags, ...) {
  va_list args;
  va_start(args, flags);
  void *to = flags & MREMAP_FIXED ? va_arg(args, void *) : NULL;
  va_end(args);
  return (void *)(uintptr_t)LONG(mremap(AT(address), old_length, new_length, flags, AT(to)));
}
int msync(void *address, size_t length, int flags) {
  return INT(msync(AT(address), length, flags));
}
int madvise(void *address, size_t length, int advice) {
  return INT(madvise(AT(address), length, advice));
}
int mincore(void *address, size_t length, unsigned char *resident) {
  return INT(mincore(AT(address), length, AT(resident)));
}
int mlock(const void *address, size_t length) { return INT(mlock(AT(address), length)); }
int munlock(const void *address, size_t length) { return INT(munlock(AT(address), length)); }
int memfd_create(const char *name, unsigned flags) { return INT(memfd_create(name, flags)); }

int clock_gettime(clockid_t clock, struct timespec *now) {
  return INT(clock_gettime(clock, now));
}
int clock_getres(clockid_t clock, struct timespec *resolution) {
  return INT(clock_getres(clock, resolution));
}
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wait,
                    struct timespec *left) {
  return (int)-wali_sys_clock_nanosleep(clock, flags, wait, left);
}
int nanosleep(const struct timespec *wait, struct timespec *left) {
  return INT(nanosleep(wait, left));
}
int gettimeofday(struct timeval *now, void *zone) { return INT(gettimeofday(now, zone)); }
time_t time(time_t *now) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (now) *now = t.tv_sec;
  return t.tv_sec;
}
long long times(struct tms *used) { return LONG(times(used)); }

pid_t getpid(void) { return INT(getpid()); }
pid_t getppid(void) { return INT(getppid()); }
pid_t gettid(void) { return INT(gettid()); }
pid_t getpgrp(void) { return INT(getpgrp()); }
pid_t getpgid(pid_t pid) { return INT(getpgid(pid)); }
pid_t getsid(pid_t pid) { return INT(getsid(pid)); }
int setpgid(pid_t pid, pid_t pgid) { return INT(setpgid(pid, pgid)); }
pid_t setsid(void) { return INT(setsid()); }
uid_t getuid(void) { return (uid_t)wali_sys_getuid(); }
uid_t geteuid(void) { return (uid_t)wali_sys_geteuid(); }
gid_t getgid(void) { return (gid_t)wali_sys_getgid(); }
gid_t getegid(void) { return (gid_t)wali_sys_getegid(); }
int getresuid(uid_t *real, uid_t *effective, uid_t *saved) {
  return INT(getresuid(real, effective, saved));
}
int getresgid(gid_t *real, gid_t *effective, gid_t *saved) {
  return INT(getresgid(real, effective, saved));
}
int setuid(uid_t uid) { return INT(setuid(uid)); }
int setgid(gid_t gid) { return INT(setgid(gid)); }
int setreuid(uid_t real, uid_t effective) { return INT(setreuid(real, effective)); }
int getgroups(int size, gid_t list[]) { return INT(getgroups(size, list)); }
int sched_yield(void) { return INT(sched_yield()); }

int getrlimit(int resource, struct rlimit *limit) {
  return INT(getrlimit((unsigned)resource, limit));
}
int setrlimit(int resource, const struct rlimit *limit) {
  return INT(setrlimit((unsigned)resource, limit));
}
int getrusage(int who, struct rusage *usage) { return INT(getrusage(who, usage)); }
int uname(struct utsname *names) { return INT(uname(names)); }
int sysinfo(struct sysinfo *info) { return INT(sysinfo(info)); }
ssize_t getrandom(void *buf, size_t size, unsigned flags) {
  return INT(getrandom(buf, size, flags));
}
