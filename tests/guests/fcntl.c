// fcntl: every command, with what it may be given and what not.
//
// cases:
//   all: { files: { data: { text: "0123456789", repeat: 100 }, "dir/file": "x" } }
#ifndef __wasm__
#include <signal.h>
#endif

#include "common.h"

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif
#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif

struct owner {
  int type;
  int pid;
};

#define P(pointer) ((unsigned long)(uintptr_t)(pointer))
// The commands by name: their values would be printed in two ways.
#define F(...) printf("fcntl(%s) = %s\n", #__VA_ARGS__, outcome(raw(fcntl, __VA_ARGS__)))

static void numbers(void) {
  int fd = open("data", O_RDONLY);
  F(fd, F_DUPFD, 100);
  F(fd, F_DUPFD, 100);
  F(fd, F_DUPFD_CLOEXEC, 200);
  F(fd, F_DUPFD, 0xdeadbeef0000012cULL);
  F(fd, F_DUPFD, -1);
  F(fd, F_DUPFD, 1 << 30);
  F(100, F_GETFD, 0);
  F(200, F_GETFD, 77);
  F(100, F_SETFD, 1);
  F(100, F_GETFD, 0);
  F(100, F_SETFD, 2);
  F(100, F_GETFD, 0);
  F(-1, F_GETFD, 0);
  F(500, F_DUPFD, 0);
  F(-1, 9999, 0);
  F(fd, 9999, 0);
  F(fd, -1, 0);
  int path = open("data", O_PATH);
  F(path, F_GETFD, 0);
  F(path, F_SETLK, 0);
  F(path, F_SETFL, 0);
  close(path), close(fd), close(100), close(101), close(200), close(300);
}

// O_LARGEFILE is always there, though the C library may call it 0.
#define KNOWN                                                                                     \
  (O_WRONLY | O_RDWR | O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_CREAT | O_DIRECTORY |      \
   O_NOFOLLOW)

static void flags(void) {
  int fd = open("data", O_RDWR | O_APPEND);
  CHECK((raw(fcntl, fd, F_GETFL, 0) & KNOWN) == (O_RDWR | O_APPEND));
  F(fd, F_SETFL, O_NONBLOCK);
  CHECK((raw(fcntl, fd, F_GETFL, 0) & KNOWN) == (O_RDWR | O_NONBLOCK));
  F(fd, F_SETFL, O_DIRECT | O_NOATIME | O_CREAT | O_WRONLY);
  CHECK((raw(fcntl, fd, F_GETFL, 0) & (O_DIRECT | O_NOATIME)) == (O_DIRECT | O_NOATIME));
  F(fd, F_SETFL, 0);
  CHECK((raw(fcntl, fd, F_GETFL, 0) & KNOWN) == O_RDWR);
  close(fd);
  fd = open("dir", O_DIRECTORY | O_NOFOLLOW);
  CHECK((raw(fcntl, fd, F_GETFL, 0) & KNOWN) == (O_DIRECTORY | O_NOFOLLOW));
  close(fd);
}

static void show(const struct flock *lock) {
  printf("type %d whence %d start %lld len %lld pid %d\n", lock->l_type, lock->l_whence,
         (long long)lock->l_start, (long long)lock->l_len, lock->l_pid);
}

static void locks(void) {
  int a = open("data", O_RDWR), b = open("data", O_RDWR), reader = open("data", O_RDONLY);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
  F(a, F_SETLK, P(&lock));
  F(a, F_SETLKW, P(&lock));
  F(a, F_GETLK, P(&lock));
  show(&lock);
  lock.l_type = F_WRLCK;
  F(reader, F_SETLK, P(&lock));
  lock.l_type = F_UNLCK;
  F(b, F_SETLK, P(&lock));
  // Locks of the open file are in one another's way.
  lock = (struct flock){.l_type = F_WRLCK, .l_start = 1, .l_len = 0};
  F(a, F_OFD_SETLK, P(&lock));
  lock.l_start = 5, lock.l_len = 3;
  F(b, F_OFD_SETLK, P(&lock));
  F(b, F_OFD_GETLK, P(&lock));
  show(&lock);
  lock = (struct flock){.l_type = F_RDLCK, .l_len = 1};
  F(b, F_OFD_SETLKW, P(&lock));
  lock.l_pid = 7;
  F(b, F_OFD_SETLK, P(&lock));
  lock = (struct flock){.l_type = 77};
  F(b, F_SETLK, P(&lock));
  F(b, F_GETLK, P(&lock));
  lock = (struct flock){.l_type = F_RDLCK, .l_whence = 9};
  F(b, F_SETLK, P(&lock));
  lock = (struct flock){.l_type = F_RDLCK, .l_start = -1};
  F(b, F_SETLK, P(&lock));
  lock = (struct flock){.l_type = F_RDLCK, .l_start = INT64_MAX, .l_len = 2};
  F(b, F_SETLK, P(&lock));
  F(b, F_SETLK, P(BAD));
  F(b, F_SETLKW, 0);
  F(b, F_GETLK, P(BAD));
  F(b, F_OFD_GETLK, 0);
  F(500, F_SETLK, P(BAD));
  close(a), close(b), close(reader);
}

static void owners(void) {
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  int fd = ends[0], me = (int)getpid();
  struct owner owner = {77, 77};
  F(fd, F_GETOWN, 0);
  F(fd, F_GETOWN_EX, P(&owner));
  printf("%d %d\n", owner.type, owner.pid);
  F(fd, F_SETOWN, me);
  CHECK(raw(fcntl, fd, F_GETOWN, 0) == me);
  F(fd, F_GETOWN_EX, P(&owner));
  CHECK(owner.type == F_OWNER_PID && owner.pid == me);
  owner.type = F_OWNER_TID;
  F(fd, F_SETOWN_EX, P(&owner));
  owner.pid = 0;
  F(fd, F_GETOWN_EX, P(&owner));
  CHECK(owner.type == F_OWNER_TID && owner.pid == me);
  owner.type = 99;
  F(fd, F_SETOWN_EX, P(&owner));
  F(fd, F_SETOWN, 0x7fffffff);
  F(fd, F_SETOWN, 0x80000000);
  F(fd, F_SETOWN_EX, P(BAD));
  F(fd, F_SETOWN_EX, 0);
  F(fd, F_GETOWN_EX, P(BAD));
  uint32_t ids[2] = {77, 77};
  F(fd, F_GETOWNER_UIDS, P(ids));
  printf("%u %u\n", ids[0], ids[1]);
  F(fd, F_GETSIG, 0);
  F(fd, F_SETSIG, SIGURG);
  F(fd, F_GETSIG, 0);
  F(fd, F_SETSIG, 1000);
  F(fd, F_SETSIG, -1);
  F(fd, F_SETSIG, 0);
  close(fd), close(ends[1]);
}

static void watching(void) {
  int fd = open("data", O_RDONLY);
  F(fd, F_GETLEASE, 0);
  F(fd, F_SETLEASE, F_RDLCK);
  F(fd, F_GETLEASE, 0);
  F(fd, F_SETLEASE, 99);
  F(fd, F_SETLEASE, F_UNLCK);
  F(fd, F_SETLEASE, F_UNLCK);
  F(fd, F_SETLEASE, F_WRLCK);
  F(fd, F_SETLEASE, F_UNLCK);
  F(fd, F_NOTIFY, DN_CREATE);
  close(fd);
  // A signal that does nothing unless it is handled.
  fd = open("dir", O_RDONLY | O_DIRECTORY);
  F(fd, F_SETSIG, SIGURG);
  F(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT);
  write_file("dir/new", "");
  F(fd, F_NOTIFY, 0);
  F(fd, F_SETLEASE, F_RDLCK);
  close(fd);
}

static void sizes(void) {
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  F(ends[0], F_GETPIPE_SZ, 0);
  F(ends[0], F_SETPIPE_SZ, 1);
  F(ends[1], F_GETPIPE_SZ, 0);
  F(ends[1], F_SETPIPE_SZ, 10000);
  F(ends[1], F_SETPIPE_SZ, 0x80000001);
  char data[16384];
  memset(data, 'd', sizeof data);
  LIBC(write(ends[1], data, sizeof data));
  F(ends[1], F_SETPIPE_SZ, 4096);
  close(ends[0]), close(ends[1]);
  int fd = open("data", O_RDWR);
  F(fd, F_GETPIPE_SZ, 0);
  F(fd, F_GET_SEALS, 0);
  uint64_t hint = 77;
  F(fd, F_GET_RW_HINT, P(&hint));
  printf("%llu\n", (unsigned long long)hint);
  hint = 2;
  F(fd, F_SET_RW_HINT, P(&hint));
  hint = 0;
  F(fd, F_GET_RW_HINT, P(&hint));
  printf("%llu\n", (unsigned long long)hint);
  hint = 99;
  F(fd, F_SET_RW_HINT, P(&hint));
  F(fd, F_SET_RW_HINT, P(BAD));
  F(fd, F_GET_RW_HINT, 0);
  close(fd);
}

static void seals(void) {
  int fd = memfd_create("sealed", 2 /* MFD_ALLOW_SEALING */);
  F(fd, F_GET_SEALS, 0);
  LIBC(ftruncate(fd, 4096));
  F(fd, F_ADD_SEALS, F_SEAL_GROW);
  LIBC(ftruncate(fd, 8192));
  F(fd, F_ADD_SEALS, 1 << 20);
  char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  F(fd, F_ADD_SEALS, F_SEAL_WRITE);
  LIBC(munmap(mapped, 4096));
  F(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK);
  LIBC(write(fd, "x", 1));
  CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  F(fd, F_ADD_SEALS, F_SEAL_SEAL);
  F(fd, F_ADD_SEALS, F_SEAL_GROW);
  F(fd, F_GET_SEALS, 0);
  close(fd);
}

int main(void) {
  numbers();
  flags();
  locks();
  owners();
  watching();
  sizes();
  seals();
  return 0;
}
