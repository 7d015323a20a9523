// Control messages: several in one buffer, laid out by the library's macros.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void) {
  int pair[2], on = 1, fds[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  pipe(fds);
  setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  union {
    char bytes[CMSG_SPACE(sizeof fds) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr aligned;
  } control;
  memset(&control, 0, sizeof control);
  struct iovec data = {"hello", 5};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof fds);
  memcpy(CMSG_DATA(header), fds, sizeof fds);
  header = CMSG_NXTHDR(&message, header);
  struct ucred credentials = {getpid(), getuid(), getgid()};
  header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_CREDENTIALS, header->cmsg_len = CMSG_LEN(sizeof credentials);
  memcpy(CMSG_DATA(header), &credentials, sizeof credentials);
  printf("sent %d\n", (int)sendmsg(pair[0], &message, 0));

  char buffer[10] = "";
  data = (struct iovec){buffer, sizeof buffer};
  memset(&control, 0, sizeof control);
  message = (struct msghdr){.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  printf("received %d %s\n", (int)recvmsg(pair[1], &message, 0), buffer);
  for (header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    printf("%d of %d bytes", header->cmsg_type, (int)(header->cmsg_len - CMSG_LEN(0)));
    if (header->cmsg_type == SCM_CREDENTIALS) {
      memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
      printf(" mine %d", credentials.pid == getpid());
    } else {
      memcpy(fds, CMSG_DATA(header), sizeof fds);
      printf(" works %d", (int)write(fds[1], "x", 1));
    }
    printf("\n");
  }
  struct epoll_event events[3] = {{EPOLLIN, {.u64 = 0x1122334455667788}}};
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &events[0]);
  int n = epoll_wait(epoll, events, 3, 100);
  printf("epoll %d %x %llx\n", n, events[0].events, (unsigned long long)events[0].data.u64);
  struct stat st;
  printf("stat %d", stat("/dev/null", &st));
  printf(" %d %d\n", S_ISCHR(st.st_mode), st.st_rdev == 0x103);
  return 0;
}
