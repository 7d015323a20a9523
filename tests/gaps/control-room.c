// Control messages are cut off where the program's room for them ends.
#include "gap.h"

int main(void) {
  int ends[2], three[3] = {0, 1, 2};
  char byte = 0;
  struct iovec piece = {&byte, 1};
  union {
    char room[CMSG_SPACE(sizeof three)];
    struct cmsghdr header;
  } sent = {{0}}, got = {{0}};
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  struct msghdr out = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &sent, .msg_controllen = sizeof sent};
  sent.header = (struct cmsghdr){CMSG_LEN(sizeof three), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(&sent.header), three, sizeof three);
  sendmsg(ends[0], &out, 0);
  struct msghdr in = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &got, .msg_controllen = CMSG_LEN(8)};
  LINUX(recvmsg(ends[1], &in, 0) == 1);
  LINUX(in.msg_flags & MSG_CTRUNC);
  LINUX(got.header.cmsg_len == CMSG_LEN(8));
  return gap_found;
}
