// Messages with headers: several pieces of memory, names, control messages, descriptors.
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "common.h"

#define P(pointer) ((uintptr_t)(pointer))

static char text[64], control[512];
static struct iovec piece;
static struct msghdr message;

// A message of one piece without anything else.
static struct msghdr *plain(size_t len) {
  piece = (struct iovec){text, len};
  memset(&message, 0, sizeof message);
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  return &message;
}

static void errors(int s[2]) {
  puts("-- errors, in the kernel's order");
  plain(4);
  RAW(raw(sendmsg, 0x7fff, P(BAD), 0));
  RAW(raw(sendmsg, 0, P(BAD), 0));
  RAW(raw(sendmsg, s[0], P(BAD), 0));
  RAW(raw(sendmsg, s[0], P(NULL), 0));
  RAW(raw(recvmsg, 0x7fff, P(BAD), 0));
  RAW(raw(recvmsg, s[0], P(NULL), 0));
  message.msg_name = BAD, message.msg_namelen = (socklen_t)-1;
  message.msg_iovlen = 5000;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  message.msg_namelen = 10;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  message.msg_name = NULL;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  RAW(raw(recvmsg, s[0], P(&message), 0));
  message.msg_iovlen = -1;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  message.msg_iovlen = 1025, message.msg_iov = BAD;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  message.msg_iovlen = 1024;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  message.msg_iovlen = 1;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  RAW(raw(recvmsg, s[0], P(&message), MSG_DONTWAIT));
  message.msg_iov = NULL;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  message.msg_iovlen = 0;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  plain(4);
  piece.iov_base = BAD;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  piece.iov_len = (size_t)-1;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  plain(4);
  message.msg_control = BAD, message.msg_controllen = 20;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  message.msg_controllen = 0x7fffffff;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  message.msg_control = control;
  RAW(raw(sendmsg, s[0], P(&message), 0));
  struct cmsghdr *c = (struct cmsghdr *)control;
  for (int len = 0; len <= 24; len += 4) {
    memset(control, 0, sizeof control);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = 4711;
    c->cmsg_len = (socklen_t)len;
    message.msg_controllen = 20;
    printf("length %d: %s\n", len, outcome(raw(sendmsg, s[0], P(&message), 0)));
  }
  while (recv(s[1], text, sizeof text, MSG_DONTWAIT) >= 0)
    ;
}

static void pieces(int s[2]) {
  puts("-- pieces");
  static struct iovec many[1024];
  static char bytes[1024];
  for (int count = 0; count <= 1024; count = count < 12 ? count + 3 : count * 4) {
    for (int i = 0; i < count; i++) many[i] = (struct iovec){bytes + i, 1}, bytes[i] = (char)i;
    plain(0);
    message.msg_iov = many;
#ifdef __wasm__
    message.msg_iovlen = count;
#else
    message.msg_iovlen = (size_t)count;
#endif
    LIBC(sendmsg(s[0], &message, 0));
    memset(bytes, 0, sizeof bytes);
    for (int i = 0; i < count; i++) many[i].iov_base = bytes + count - 1 - i;
    LIBC(recvmsg(s[1], &message, 0));
    int good = 1;
    for (int i = 0; i < count; i++) good &= bytes[i] == (char)(count - 1 - i);
    CHECK(good);
  }
  strcpy(text, "a long one");
  LIBC(sendmsg(s[0], plain(10), 0));
  LIBC(recvmsg(s[1], plain(4), 0));
  CHECK(message.msg_flags == MSG_TRUNC);
  LIBC(sendmsg(s[0], plain(10), MSG_EOR));
  message.msg_flags = 0x12345;
  LIBC(recvmsg(s[1], &message, 0));
  printf("flags %#x\n", (unsigned)message.msg_flags);
  message.msg_flags = 0x12345;
  LIBC(recvmsg(s[1], &message, MSG_DONTWAIT));
  printf("flags %#x\n", (unsigned)message.msg_flags);
}

static void names(void) {
  puts("-- names");
  struct sockaddr_un one = {.sun_family = AF_UNIX, .sun_path = "one"}, from;
  int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un two = {.sun_family = AF_UNIX, .sun_path = "two"};
  LIBC(bind(a, (void *)&one, 6));
  LIBC(bind(b, (void *)&two, 6));
  for (int room = 0; room <= 12; room += 4) {
    plain(3);
    message.msg_name = &two, message.msg_namelen = 6;
    LIBC(sendmsg(a, &message, 0));
    memset(&from, 'x', sizeof from);
    message.msg_name = &from, message.msg_namelen = (socklen_t)room;
    LIBC(recvmsg(b, &message, 0));
    printf("room %d: %d \"%.10s\"\n", room, (int)message.msg_namelen, from.sun_path);
  }
  message.msg_name = &two, message.msg_namelen = 6;
  LIBC(sendmsg(a, &message, 0));
  message.msg_name = NULL, message.msg_namelen = 77;
  LIBC(recvmsg(b, &message, 0));
  printf("unnamed: %d\n", (int)message.msg_namelen);
  message.msg_name = BAD, message.msg_namelen = 20;
  RAW(raw(recvmsg, b, P(&message), MSG_DONTWAIT));
  message.msg_name = &two, message.msg_namelen = 6;
  LIBC(sendmsg(a, &message, 0));
  message.msg_name = BAD, message.msg_namelen = 20;
  RAW(raw(recvmsg, b, P(&message), MSG_DONTWAIT));
  RAW(raw(recvmsg, b, P(&message), MSG_DONTWAIT));
  message.msg_namelen = (socklen_t)-1;
  RAW(raw(recvmsg, b, P(&message), MSG_DONTWAIT));
}

// A control message with descriptors, as the manual does it.
static void attach(const int *fds, int count) {
  size_t size = (size_t)count * sizeof(int);
  memset(control, 0, sizeof control);
  message.msg_control = control;
  message.msg_controllen = (socklen_t)CMSG_SPACE(size);
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = (socklen_t)CMSG_LEN(size);
  memcpy(CMSG_DATA(c), fds, size);
}

// What came: each control message, and each descriptor by what it counts.
static void show(void) {
  printf("flags %#x", (unsigned)message.msg_flags);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    printf(", level %d type %d with %d:", c->cmsg_level, c->cmsg_type,
           (int)(c->cmsg_len - CMSG_LEN(0)));
    for (size_t at = 0; c->cmsg_type == SCM_RIGHTS && at + 4 <= c->cmsg_len - CMSG_LEN(0); at += 4) {
      int fd;
      uint64_t value = 0;
      memcpy(&fd, CMSG_DATA(c) + at, 4);
      if (read(fd, &value, 8) != 8) value = 4711;
      printf(" %d", (int)value);
      write(fd, &value, 8), close(fd);
    }
  }
  puts("");
}

static void descriptors(int s[2]) {
  puts("-- descriptors");
  int fds[20];
  for (int i = 0; i < 20; i++) fds[i] = eventfd((unsigned)(100 + i), EFD_NONBLOCK);
  for (int count = 1; count <= 20; count += count < 4 ? 1 : 8) {
    plain(1), attach(fds, count);
    LIBC(sendmsg(s[0], &message, 0));
    message.msg_controllen = sizeof control;
    LIBC(recvmsg(s[1], &message, 0));
    show();
  }
  puts("with just the space for them");
  for (int count = 1; count <= 3; count++) {
    plain(1), attach(fds, count);
    LIBC(sendmsg(s[0], &message, 0));
    message.msg_controllen = (socklen_t)CMSG_SPACE((size_t)count * sizeof(int));
    LIBC(recvmsg(s[1], &message, 0));
    show();
  }
  puts("with too little");
  for (socklen_t room = 0; room <= 28; room += 4) {
    plain(1), attach(fds, 3);
    LIBC(sendmsg(s[0], &message, 0));
    message.msg_controllen = room;
    message.msg_control = room == 0 ? NULL : control;
    LIBC(recvmsg(s[1], &message, 0));
    printf("room %d: ", (int)room);
    show();
  }
  puts("with no memory");
  plain(1), attach(fds, 3);
  LIBC(sendmsg(s[0], &message, 0));
  message.msg_control = BAD;
  message.msg_controllen = 100;
  RAW(raw(recvmsg, s[1], P(&message), 0));
  printf("flags %#x, %d bytes\n", (unsigned)message.msg_flags, (int)message.msg_controllen);
  plain(1), attach(fds, 3);
  LIBC(sendmsg(s[0], &message, 0));
  message.msg_control = NULL;
  RAW(raw(recvmsg, s[1], P(&message), 0));
  printf("flags %#x\n", (unsigned)message.msg_flags);
  // The next to be opened shows that nothing was left open.
  printf("%d\n", dup(0) - fds[19]);
  plain(1), attach(fds, 1);
  LIBC(sendmsg(s[0], &message, 0));
  LIBC(recvmsg(s[1], &message, MSG_CMSG_CLOEXEC));
  show();
  puts("that cannot be sent");
  fds[1] = 0x7fff;
  plain(1), attach(fds, 3);
  LIBC(sendmsg(s[0], &message, 0));
  static int many[300];
  static char large[2000];
  memset(large, 0, sizeof large);
  message.msg_control = large, message.msg_controllen = (socklen_t)CMSG_SPACE(sizeof many);
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = (socklen_t)CMSG_LEN(sizeof many);
  LIBC(sendmsg(s[0], &message, 0));
  c->cmsg_len = (socklen_t)CMSG_LEN(253 * sizeof(int));
  message.msg_controllen = (socklen_t)CMSG_SPACE(253 * sizeof(int));
  LIBC(sendmsg(s[0], &message, 0));
  message.msg_controllen = sizeof large;
  LIBC(recvmsg(s[1], &message, 0));
  c = CMSG_FIRSTHDR(&message);
  CHECK(c && c->cmsg_len == CMSG_LEN(253 * sizeof(int)));
}

// Several control messages in one buffer: placed by CMSG_NXTHDR, their lengths summed up.
static void several(int s[2]) {
  puts("-- several control messages");
  int fds[3];
  for (int i = 0; i < 3; i++) fds[i] = eventfd((unsigned)(200 + i), EFD_NONBLOCK);
  for (int first = 1; first <= 2; first++) {
    plain(1);
    memset(control, 0, sizeof control);
    message.msg_control = control, message.msg_controllen = sizeof control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    size_t size = (size_t)first * sizeof(int);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = (socklen_t)CMSG_LEN(size);
    memcpy(CMSG_DATA(c), fds, size);
    c = CMSG_NXTHDR(&message, c);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_CREDENTIALS;
    struct ucred own = {getpid(), getuid(), getgid()};
    c->cmsg_len = (socklen_t)CMSG_LEN(sizeof own);
    memcpy(CMSG_DATA(c), &own, sizeof own);
    message.msg_controllen = (socklen_t)(CMSG_SPACE(size) + CMSG_SPACE(sizeof own));
    LIBC(sendmsg(s[0], &message, 0));
    message.msg_controllen = sizeof control;
    LIBC(recvmsg(s[1], &message, 0));
    show();
  }
}

static void batches(int s[2]) {
  puts("-- batches");
  static struct mmsghdr all[12];
  static struct iovec at[12];
  static char bytes[12][8];
  struct timespec wait = {1000, -1};
  for (int i = 0; i < 12; i++) {
    memset(bytes[i], 'a' + i, 8);
    at[i] = (struct iovec){bytes[i], (size_t)(1 + i % 8)};
    all[i].msg_hdr = (struct msghdr){.msg_iov = &at[i], .msg_iovlen = 1};
  }
  RAW(raw(sendmmsg, 0x7fff, P(BAD), 1, 0));
  RAW(raw(sendmmsg, 0x7fff, P(BAD), 0, 0));
  RAW(raw(sendmmsg, s[0], P(BAD), 0, 0));
  RAW(raw(sendmmsg, s[0], P(BAD), 1, 0));
  RAW(raw(sendmmsg, s[0], P(BAD), -1, 0));
  RAW(raw(sendmmsg, s[0], P(NULL), 1, 0));
  RAW(raw(recvmmsg, 0x7fff, P(BAD), 1, 0, NULL));
  RAW(raw(recvmmsg, s[1], P(BAD), 0, 0, NULL));
  RAW(raw(recvmmsg, s[1], P(BAD), 1, MSG_DONTWAIT, NULL));
  RAW(raw(recvmmsg, s[1], P(all), 1, MSG_DONTWAIT, BAD));
  RAW(raw(recvmmsg, s[1], P(all), 1, MSG_DONTWAIT, &wait));
  wait.tv_nsec = 0;
  LIBC(sendmmsg(s[0], all, 7, 0));
  for (int i = 0; i < 8; i++) printf("%d ", (int)all[i].msg_len);
  puts("");
  memset(bytes, 0, sizeof bytes);
  LIBC(recvmmsg(s[1], all, 3, 0, NULL));
  for (int i = 0; i < 4; i++) printf("%d %.8s, ", (int)all[i].msg_len, bytes[i]);
  puts("");
  LIBC(recvmmsg(s[1], all, 12, MSG_WAITFORONE, NULL));
  for (int i = 0; i < 5; i++) printf("%d %.8s, ", (int)all[i].msg_len, bytes[i]);
  puts("");
  LIBC(recvmmsg(s[1], all, 12, MSG_DONTWAIT, NULL));
  // The third of these cannot be sent, nor received.
  at[2].iov_base = BAD;
  LIBC(sendmmsg(s[0], all, 5, 0));
  LIBC(recvmmsg(s[1], all + 4, 5, MSG_DONTWAIT, NULL));
  at[2].iov_base = bytes[2];
  LIBC(sendmmsg(s[0], all, 5, 0));
  at[1].iov_base = BAD;
  LIBC(recvmmsg(s[1], all, 5, MSG_DONTWAIT, NULL));
  // What happened to the second is told by the next call.
  LIBC(recvmmsg(s[1], all + 4, 5, MSG_DONTWAIT, NULL));
  at[1].iov_base = bytes[1];
  LIBC(recvmmsg(s[1], all + 4, 5, MSG_DONTWAIT, NULL));
  // An array that ends in nothing.
  char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(edge + 4096, 4096, PROT_NONE);
  struct mmsghdr *last = (struct mmsghdr *)(edge + 4096) - 2;
  memcpy(last, all, 2 * sizeof *last);
  RAW(raw(sendmmsg, s[0], P(last), 3, 0));
  RAW(raw(recvmmsg, s[1], P(last), 3, MSG_DONTWAIT, NULL));
  RAW(raw(recvmmsg, s[1], P(last), 3, MSG_DONTWAIT, NULL));
  // The time is looked at after each message.
  LIBC(sendmmsg(s[0], all, 3, 0));
  LIBC(recvmmsg(s[1], all, 3, 0, &wait));
  CHECK(wait.tv_sec > 900 && wait.tv_sec <= 1000 && wait.tv_nsec < 1000000000);
  LIBC(sendmmsg(s[0], all, 3, 0));
  wait = (struct timespec){0, 0};
  LIBC(recvmmsg(s[1], all, 3, 0, &wait));
}

int main(void) {
  int s[2], t[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) != 0) die("socketpair");
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, t) != 0) die("socketpair");
  errors(t);
  pieces(s);
  names();
  descriptors(t);
  several(t);
  batches(t);
  return 0;
}
