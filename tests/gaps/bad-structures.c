// Structures at bad addresses within others are errors, not crashes.
#include "gap.h"

static int ends[2];
static void sends(void) {
  struct msghdr header = {.msg_iov = BAD, .msg_iovlen = 1};
  LINUX(ERROR_OF(syscall(SYS_sendmsg, ends[0], &header, 0)) == EFAULT);
}
static void controls(void) {
  struct msghdr header = {.msg_control = BAD, .msg_controllen = 64};
  LINUX(ERROR_OF(syscall(SYS_sendmsg, ends[0], &header, 0)) == EFAULT);
}
static void receives(void) {
  char byte;
  struct iovec piece = {&byte, 1};
  struct msghdr header = {.msg_name = BAD, .msg_namelen = 0x7fffffff, .msg_iov = &piece, .msg_iovlen = 1};
  LINUX(ERROR_OF(syscall(SYS_recvmsg, ends[1], &header, MSG_DONTWAIT)) == EAGAIN);
}
static void many(void) {
  struct msghdr header = {.msg_iov = BAD, .msg_iovlen = 1024};
  LINUX(ERROR_OF(syscall(SYS_sendmsg, ends[0], &header, 0)) == EFAULT);
}
static void odd(void) {
  char room[64] = {0};
  struct msghdr header = {.msg_control = room, .msg_controllen = 8};
  LINUX(ERROR_OF(syscall(SYS_sendmsg, ends[0], &header, 0)) == 0);
  size_t length = 4;
  memcpy(room, &length, sizeof length);
  header.msg_controllen = 32;
  LINUX(ERROR_OF(syscall(SYS_sendmsg, ends[0], &header, 0)) == EINVAL);
}

int main(void) {
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends)) return 2;
  LINUX(IN_CHILD(sends()) == 0);
  LINUX(IN_CHILD(controls()) == 0);
  LINUX(IN_CHILD(receives()) == 0);
  LINUX(IN_CHILD(many()) == 0);
  LINUX(IN_CHILD(odd()) == 0);
  return gap_found;
}
