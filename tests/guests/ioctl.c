// ioctl on a terminal, a pipe, a socketless file, an epoll-less namespace: requests with a value,
// with a pointer either way, without anything, and unknown ones.
//
// cases:
//   all: { files: { file: "twelve bytes" } }
#include "common.h"

#ifndef __wasm__
#include <asm/termbits.h>
#include <linux/fs.h>
#include <linux/fiemap.h>
#include <linux/kd.h>
#include <linux/nsfs.h>
#include <linux/random.h>
#include <asm/ioctls.h>
#include <asm/termios.h>
#endif

#define AT(pointer) ((unsigned)(uintptr_t)(pointer))
#ifdef __wasm__
#define ioctl_raw(fd, request, argument) raw(ioctl, fd, request, AT(argument))
#else
// As wide as a pointer natively.
#define ioctl_raw(fd, request, argument) raw(ioctl, fd, (unsigned)(request), (uintptr_t)(argument))
#endif
#define IOCTL(fd, request, argument) \
  printf("%s(%s, %s) = %s\n", #fd, #request, #argument, outcome(ioctl_raw(fd, request, argument)))

#define IOCTL_QUIETLY(fd, request, argument) \
  if (ioctl_raw(fd, request, argument) != 0) die(#request)

static void terminal(void) {
  int ptmx = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  if (ptmx < 0) {
    printf("no terminals here\n");
    return;
  }
  int locked = 1, packets = -1, waiting = 0, group = -1;
  unsigned number = ~0u;
  IOCTL(ptmx, TIOCGPTLCK, &locked);
  CHECK(locked == 1);
  locked = 0;
  IOCTL(ptmx, TIOCSPTLCK, &locked);
  IOCTL(ptmx, TIOCGPTN, &number);
  CHECK(number != ~0u);
  IOCTL(ptmx, TIOCGPKT, &packets);
  CHECK(packets == 0);
  long long peer = ioctl_raw(ptmx, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  CHECK(peer > ptmx);
  int tty = (int)peer;

  struct termios modes, again;
  memset(&modes, 0xee, sizeof modes);
  IOCTL(tty, TCGETS, &modes);
  printf("modes %o %o %o %o, erase %d\n", modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag, modes.c_cc[2]);
  modes.c_lflag &= ~(unsigned)ECHO;
  modes.c_cc[2] = 8;
  IOCTL(tty, TCSETSW, &modes);
  IOCTL(tty, TCGETS, &again);
  CHECK(memcmp(&modes, &again, sizeof modes) == 0);
  struct termios2 wider;
  IOCTL(tty, TCGETS2, &wider);
  printf("speed %u %u\n", wider.c_ispeed, wider.c_ospeed);
  wider.c_ospeed = 12345;
  wider.c_cflag = (wider.c_cflag & ~(unsigned)CBAUD) | BOTHER;
  IOCTL(tty, TCSETS2, &wider);
  IOCTL(tty, TCGETS2, &wider);
  printf("speed %u\n", wider.c_ospeed);

  struct winsize size = {25, 80, 1, 2}, got;
  IOCTL(tty, TIOCSWINSZ, &size);
  IOCTL(ptmx, TIOCGWINSZ, &got);
  printf("%u rows, %u columns, %u, %u\n", got.ws_row, got.ws_col, got.ws_xpixel, got.ws_ypixel);

  // By value: no pointer is looked at.
  IOCTL(tty, TCFLSH, 2);
  IOCTL(tty, TCFLSH, 99);
  IOCTL(tty, TCXONC, 1);
  IOCTL(tty, TCXONC, 77);
  IOCTL(tty, TCSBRK, 1);
  IOCTL(tty, TIOCEXCL, 0);
  int exclusive = -1;
  IOCTL(tty, TIOCGEXCL, &exclusive);
  CHECK(exclusive == 1);
  IOCTL(tty, TIOCNXCL, 0);
  IOCTL(tty, TIOCGPGRP, &group);
  IOCTL(tty, TIOCGSID, &group);
  IOCTL(tty, TIOCNOTTY, 0);

  if (write(ptmx, "line\n", 5) != 5) die("write");
  // The kernel hands it over in its own time.
  do IOCTL_QUIETLY(tty, FIONREAD, &waiting);
  while (waiting == 0);
  printf("%d waiting\n", waiting);
  IOCTL(tty, TIOCOUTQ, &waiting);

  IOCTL(tty, TCGETS, 0);
  IOCTL(tty, TCGETS, BAD);
  IOCTL(tty, TCSETS, 0);
  IOCTL(tty, TCSETS, BAD);
  IOCTL(tty, TIOCGWINSZ, BAD);
  IOCTL(tty, TIOCSWINSZ, BAD);
  IOCTL(tty, FIONREAD, BAD);
  IOCTL(tty, 0x54ff, &waiting);
  IOCTL(tty, 0, &waiting);
  IOCTL(tty, -1, &waiting);
  close(tty);
  close(ptmx);
}

static void files(void) {
  int fd = open("file", O_RDWR), flags = 0x5a5a5a5a, size = 0, zero = 0;
  unsigned long long wide = 0x5a5a5a5a5a5a5a5aull;
  IOCTL(fd, FIONREAD, &size);
  printf("%d left\n", size);
  IOCTL(fd, FIOQSIZE, &wide);
  printf("%llu long\n", wide);
  IOCTL(fd, FIGETBSZ, &size);
  CHECK(size >= 512);
  IOCTL(fd, FS_IOC_GETFLAGS, &flags);
  IOCTL(fd, FS_IOC_GETFLAGS, BAD);
  IOCTL(fd, FIOCLEX, 0);
  IOCTL(fd, FIONCLEX, 12345);
  IOCTL(fd, FIONBIO, &fd);
  IOCTL(fd, FIONBIO, &zero);
  IOCTL(fd, FIONBIO, BAD);
  IOCTL(fd, FIONBIO, 0);
  int copy = open("copy", O_RDWR | O_CREAT, 0644);
  // Some file systems can, some cannot: the worlds have the same.
  IOCTL(copy, FICLONE, fd);
  IOCTL(copy, FICLONE, -1);
  struct file_clone_range range = {fd, 0, 4096, 0};
  IOCTL(copy, FICLONERANGE, &range);
  IOCTL(copy, FICLONERANGE, BAD);
  struct fiemap map = {0, 100, 0, 0, 0, 0};
  IOCTL(fd, FS_IOC_FIEMAP, &map);
  IOCTL(fd, BLKGETSIZE64, &wide);
  IOCTL(fd, TCGETS, &wide);
  IOCTL(fd, TIOCGWINSZ, 0);
  IOCTL(fd, KDGKBTYPE, &size);
  int closed = fd;
  close(fd);
  IOCTL(closed, FIONREAD, &size);
  IOCTL(closed, FIOCLEX, 0);
  IOCTL(closed, 0x12345678, 0);
  IOCTL(closed, TCGETS, BAD);
}

static void others(void) {
  int ends[2], waiting = -1;
  if (pipe(ends) != 0 || write(ends[1], "seven..", 7) != 7) die("pipe");
  IOCTL(ends[0], FIONREAD, &waiting);
  printf("%d waiting\n", waiting);
  IOCTL(ends[1], FIONREAD, &waiting);
  IOCTL(ends[0], FIOQSIZE, &waiting);
  IOCTL(ends[0], 0xdeadbeef, &waiting);

  int space = open("/proc/self/ns/uts", O_RDONLY);
  if (space >= 0) {
    CHECK(ioctl_raw(space, NS_GET_NSTYPE, 0) > 0);
    unsigned owner = 77;
    IOCTL(space, NS_GET_OWNER_UID, &owner);
    CHECK(ioctl_raw(space, NS_GET_PARENT, 0) < 0);
  }
  int random = open("/dev/urandom", O_RDONLY), entropy = -1;
  IOCTL(random, RNDGETENTCNT, &entropy);
  CHECK(entropy >= 0);
  IOCTL(random, RNDGETENTCNT, BAD);
}

int main(void) {
  terminal();
  files();
  others();
  return 0;
}
