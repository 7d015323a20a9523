// Files that are more than bytes: preallocation, copies inside the kernel, anonymous
// files, counters, timers, extended attributes, locks.
//
// cases:
//   all: { files: { source: { text: "0123456789", repeat: 1000 } } }
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>

#include "common.h"

static void preallocation(void) {
  struct stat st;
  int fd = open("reserved", O_RDWR | O_CREAT, 0644);
  LIBC(fallocate(fd, 0, 0, 10000));
  LIBC(fstat(fd, &st));
  printf("%lld\n", (long long)st.st_size);
  LIBC(fallocate(fd, FALLOC_FL_KEEP_SIZE, 10000, 100000));
  LIBC(fstat(fd, &st));
  printf("%lld\n", (long long)st.st_size);
  CHECK(st.st_blocks * 512 >= 10000);
  LIBC(fallocate(fd, 0, -1, 10));
  LIBC(fallocate(fd, 0, 0, 0));
  LIBC(fallocate(0x7fff, 0, 0, 10));
  LIBC(close(fd));
}

static void copies(void) {
  int in = open("source", O_RDONLY), out = open("copy", O_RDWR | O_CREAT, 0644);
  off_t from = 5, to = 2;
  LIBC(copy_file_range(in, &from, out, &to, 100, 0));
  printf("%lld %lld\n", (long long)from, (long long)to);
  LIBC(copy_file_range(in, NULL, out, NULL, 10, 0));
  LIBC(lseek(in, 0, SEEK_CUR));
  LIBC(copy_file_range(in, NULL, out, NULL, 10, 1));
  from = 9990;
  LIBC(sendfile(out, in, &from, 100));
  printf("%lld\n", (long long)from);
  LIBC(sendfile(out, in, NULL, 7));
  LIBC(lseek(in, 0, SEEK_CUR));
  LIBC(lseek(out, 0, SEEK_CUR));
  LIBC(sendfile(in, out, NULL, 7));
  int ends[2], other[2];
  LIBC(pipe(ends));
  LIBC(pipe(other));
  from = 3;
  LIBC(splice(in, &from, ends[1], NULL, 20, 0));
  printf("%lld\n", (long long)from);
  LIBC(tee(ends[0], other[1], 20, 0));
  char buffer[32] = {0};
  LIBC(read(other[0], buffer, sizeof buffer));
  printf("%s\n", buffer);
  to = 500;
  LIBC(splice(ends[0], NULL, out, &to, 20, 0));
  LIBC(splice(in, NULL, out, NULL, 20, 0));
  LIBC(splice(ends[0], &from, out, NULL, 20, 0));
}

static void memory(void) {
  char buffer[32] = {0};
  int fd = memfd_create("name", MFD_CLOEXEC);
  LIBC(write(fd, "in memory", 9));
  LIBC(pread(fd, buffer, sizeof buffer, 3));
  printf("%s\n", buffer);
  LIBC(memfd_create("name", 1 << 20));
  RAW(raw(memfd_create, BAD, 0));
  LIBC(getrandom(buffer, sizeof buffer, 0));
  LIBC(getrandom(buffer, sizeof buffer, GRND_NONBLOCK));
  LIBC(getrandom(buffer, sizeof buffer, 1 << 20));
  RAW(raw(getrandom, BAD, 10, 0));
}

static void counters(void) {
  uint64_t value = 0;
  int fd = eventfd(5, EFD_NONBLOCK);
  LIBC(read(fd, &value, 8));
  printf("%d\n", (int)value);
  LIBC(read(fd, &value, 8));
  value = 3;
  LIBC(write(fd, &value, 8));
  LIBC(write(fd, &value, 8));
  LIBC(read(fd, &value, 4));
  LIBC(read(fd, &value, 8));
  printf("%d\n", (int)value);
  value = UINT64_MAX;
  LIBC(write(fd, &value, 8));
  int semaphore = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
  LIBC(read(semaphore, &value, 8));
  LIBC(read(semaphore, &value, 8));
  LIBC(read(semaphore, &value, 8));
  printf("%d\n", (int)value);
  LIBC(eventfd(0, 1 << 20));

  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct itimerspec set = {.it_interval = {0, 1000000}, .it_value = {0, 1000000}}, got;
  LIBC(read(timer, &value, 8));
  LIBC(timerfd_settime(timer, 0, &set, NULL));
  struct timespec wait = {0, 20000000};
  LIBC(nanosleep(&wait, NULL));
  LIBC(read(timer, &value, 8));
  CHECK(value >= 19);
  LIBC(timerfd_gettime(timer, &got));
  CHECK(got.it_interval.tv_nsec == 1000000 && got.it_value.tv_nsec <= 1000000);
  set.it_value.tv_nsec = 0;
  LIBC(timerfd_settime(timer, 0, &set, &got));
  CHECK(got.it_interval.tv_sec == 0 && got.it_interval.tv_nsec == 1000000);
  set.it_value.tv_nsec = -1;
  LIBC(timerfd_settime(timer, 0, &set, NULL));
  LIBC(timerfd_settime(fd, 0, &got, NULL));
  LIBC(timerfd_create(1000, 0));
}

static void attributes(void) {
  char buffer[64] = {0};
  write_file("tagged", "x");
  LIBC(setxattr("tagged", "user.color", "green", 5, 0));
  LIBC(getxattr("tagged", "user.color", buffer, sizeof buffer));
  printf("%s\n", buffer);
  LIBC(getxattr("tagged", "user.color", NULL, 0));
  LIBC(getxattr("tagged", "user.color", buffer, 2));
  LIBC(getxattr("tagged", "user.absent", buffer, 2));
  LIBC(setxattr("tagged", "user.color", "blue", 4, XATTR_CREATE));
  LIBC(setxattr("tagged", "user.shape", "round", 5, XATTR_REPLACE));
  LIBC(setxattr("tagged", "nonsense", "x", 1, 0));
  int fd = open("tagged", O_RDONLY);
  LIBC(fsetxattr(fd, "user.shape", "", 0, 0));
  LIBC(fgetxattr(fd, "user.shape", buffer, sizeof buffer));
  CHECK(listxattr("tagged", buffer, sizeof buffer) == flistxattr(fd, NULL, 0));
  LIBC(removexattr("tagged", "user.color"));
  LIBC(removexattr("tagged", "user.color"));
  LIBC(getxattr("absent", "user.color", buffer, 2));
}

static void locks(void) {
  int a = open("source", O_RDONLY), b = open("source", O_RDONLY);
  LIBC(flock(a, LOCK_SH));
  LIBC(flock(b, LOCK_SH | LOCK_NB));
  LIBC(flock(b, LOCK_EX | LOCK_NB));
  LIBC(flock(a, LOCK_UN));
  LIBC(flock(b, LOCK_EX | LOCK_NB));
  LIBC(flock(a, LOCK_SH | LOCK_NB));
  LIBC(flock(a, 64));
}

static void file_systems(void) {
  struct statfs byname, byfd;
  LIBC(statfs(".", &byname));
  int fd = open(".", O_RDONLY);
  LIBC(fstatfs(fd, &byfd));
  CHECK(byname.f_type == byfd.f_type && byname.f_bsize == byfd.f_bsize && byfd.f_bsize > 0);
  CHECK(byname.f_blocks == byfd.f_blocks && byname.f_blocks >= byname.f_bfree);
  CHECK(byname.f_namelen >= 255);
  LIBC(statfs("absent", &byname));
}

int main(void) {
  preallocation();
  copies();
  memory();
  counters();
  attributes();
  locks();
  file_systems();
  return 0;
}
