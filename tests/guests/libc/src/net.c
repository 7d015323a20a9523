// Sockets and waiting for descriptors: the kernel's calls under their C names.
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

#define INT(call) (int)__result(wali_sys_##call)

// The kernel takes these addresses as numbers.
#define AT(pointer) (unsigned)(uintptr_t)(pointer)

int socket(int domain, int type, int protocol) { return INT(socket(domain, type, protocol)); }
int socketpair(int domain, int type, int protocol, int sv[2]) {
  return INT(socketpair(domain, type, protocol, sv));
}
int bind(int fd, const struct sockaddr *address, socklen_t len) {
  return INT(bind(fd, address, (int)len));
}
int listen(int fd, int backlog) { return INT(listen(fd, backlog)); }
int accept(int fd, struct sockaddr *address, socklen_t *len) {
  return INT(accept(fd, address, (int *)len));
}
int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags) {
  return INT(accept4(fd, address, (int *)len, flags));
}
int connect(int fd, const struct sockaddr *address, socklen_t len) {
  return INT(connect(fd, address, (int)len));
}
int shutdown(int fd, int how) { return INT(shutdown(fd, how)); }
int getsockname(int fd, struct sockaddr *address, socklen_t *len) {
  return INT(getsockname(fd, address, (int *)len));
}
int getpeername(int fd, struct sockaddr *address, socklen_t *len) {
  return INT(getpeername(fd, address, (int *)len));
}
ssize_t send(int fd, const void *buf, size_t n, int flags) {
  return INT(sendto(fd, buf, n, flags, NULL, 0));
}
ssize_t recv(int fd, void *buf, size_t n, int flags) {
  return INT(recvfrom(fd, buf, n, flags, NULL, NULL));
}
ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *address,
               socklen_t len) {
  return INT(sendto(fd, buf, n, flags, address, (int)len));
}
ssize_t recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *address,
                 socklen_t *len) {
  return INT(recvfrom(fd, buf, n, flags, address, (int *)len));
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  return INT(sendmsg(fd, AT(message), flags));
}
ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  return INT(recvmsg(fd, AT(message), flags));
}
int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
  return INT(sendmmsg(fd, AT(messages), count, flags));
}
int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
             struct timespec *timeout) {
  return INT(recvmmsg(fd, AT(messages), count, flags, timeout));
}
int setsockopt(int fd, int level, int option, const void *value, socklen_t len) {
  return INT(setsockopt(fd, level, option, value, (int)len));
}
int getsockopt(int fd, int level, int option, void *value, socklen_t *len) {
  return INT(getsockopt(fd, level, option, value, (int *)len));
}

int poll(struct pollfd *fds, nfds_t count, int timeout) { return INT(poll(fds, count, timeout)); }
int select(int count, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout) {
  return INT(select(count, read, write, except, timeout));
}
int epoll_create(int size) { return INT(epoll_create(size)); }
int epoll_create1(int flags) { return INT(epoll_create1(flags)); }
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) {
  return INT(epoll_ctl(epfd, op, fd, event));
}
int epoll_wait(int epfd, struct epoll_event *events, int count, int timeout) {
  return INT(epoll_wait(epfd, events, count, timeout));
}
