// Sockets of every kind, in one process: pairs, names in the file system, loopback addresses.
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common.h"

static char buffer[64];

static void received(long long result) {
  printf("%s \"%.*s\"\n", libc_outcome(result), result > 0 ? (int)result : 0, buffer);
}

static void streams(void) {
  int s[2];
  puts("-- a pair of streams");
  LIBC(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
  LIBC(send(s[0], "hello world", 11, 0));
  received(recv(s[1], buffer, 5, MSG_PEEK));
  received(recv(s[1], buffer, 5, 0));
  received(recv(s[1], buffer, sizeof buffer, MSG_DONTWAIT));
  received(recv(s[1], buffer, sizeof buffer, MSG_DONTWAIT));
  LIBC(send(s[0], "abc", 3, MSG_OOB));
  RAW(raw(recvfrom, s[1], buffer, 0, MSG_DONTWAIT, NULL, NULL));
  LIBC(send(s[0], "", 0, 0));
  RAW(raw(sendto, s[0], BAD, 1, 0, NULL, 0));
  RAW(raw(sendto, s[0], NULL, 0, 0, NULL, 0));
  RAW(raw(sendto, s[0], buffer, 1, 0, BAD, 16));
  RAW(raw(sendto, s[0], buffer, 1, 0, buffer, -1));
  RAW(raw(sendto, s[0], buffer, 1, 0, buffer, 129));
  RAW(raw(sendto, s[0], buffer, 1, 0, buffer, 16));
  while (recv(s[1], buffer, sizeof buffer, MSG_DONTWAIT) > 0)
    ;
  LIBC(send(s[0], "xyz", 3, 0));
  RAW(raw(recvfrom, s[1], BAD, 3, 0, NULL, NULL));
  received(recv(s[1], buffer, sizeof buffer, MSG_DONTWAIT));

  LIBC(send(s[0], "12345", 5, 0));
  LIBC(send(s[0], "67890", 5, 0));
  received(recv(s[1], buffer, 10, MSG_WAITALL));
  LIBC(shutdown(s[0], SHUT_WR));
  LIBC(send(s[0], "x", 1, MSG_NOSIGNAL));
  received(recv(s[1], buffer, sizeof buffer, 0));
  LIBC(send(s[1], "back", 4, 0));
  received(recv(s[0], buffer, sizeof buffer, 0));
  LIBC(shutdown(s[0], 3));
  LIBC(shutdown(s[0], -1));
  LIBC(shutdown(s[0], SHUT_RDWR));
  LIBC(send(s[1], "x", 1, MSG_NOSIGNAL));
  LIBC(close(s[1]));
  received(recv(s[0], buffer, sizeof buffer, 0));
  LIBC(close(s[0]));
}

static void messages(int type, const char *name) {
  int s[2];
  printf("-- a pair for %s\n", name);
  LIBC(socketpair(AF_UNIX, type, 0, s));
  LIBC(send(s[0], "first", 5, 0));
  LIBC(send(s[0], "second", 6, 0));
  LIBC(send(s[0], "", 0, 0));
  LIBC(send(s[0], "last", 4, 0));
  received(recv(s[1], buffer, 3, MSG_PEEK));
  received(recv(s[1], buffer, 3, MSG_PEEK | MSG_TRUNC) == 5 ? 3 : -1);
  received(recv(s[1], buffer, 3, 0));
  received(recv(s[1], buffer, sizeof buffer, 0));
  received(recv(s[1], buffer, sizeof buffer, 0));
  received(recv(s[1], buffer, 0, 0));
  received(recv(s[1], buffer, sizeof buffer, MSG_DONTWAIT));
  struct sockaddr_un from;
  socklen_t len = sizeof from;
  LIBC(send(s[0], "who", 3, 0));
  received(recvfrom(s[1], buffer, sizeof buffer, 0, (void *)&from, &len));
  printf("from %d\n", (int)len);
  close(s[0]), close(s[1]);
}

static socklen_t path(struct sockaddr_un *address, const char *text) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, text, strlen(text));
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text) + 1);
}

static void named(void) {
  puts("-- names in the file system");
  struct sockaddr_un address, peer;
  socklen_t len = path(&address, "socket"), got;
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  LIBC(connect(client, (void *)&address, len));
  RAW(raw(bind, listener, BAD, len));
  RAW(raw(bind, listener, &address, 0));
  RAW(raw(bind, listener, &address, -1));
  RAW(raw(bind, listener, &address, 129));
  RAW(raw(bind, listener, &address, 1));
  RAW(raw(bind, 0x7fff, BAD, 1));
  RAW(raw(bind, 0, BAD, -1));
  LIBC(bind(listener, (void *)&address, len));
  LIBC(bind(listener, (void *)&address, len));
  LIBC(bind(client, (void *)&address, len));
  LIBC(connect(client, (void *)&address, len));
  LIBC(listen(listener, 5));
  LIBC(listen(0x7fff, 5));
  LIBC(listen(0, 5));
  RAW(raw(accept, client, NULL, NULL));
  LIBC(connect(client, (void *)&address, len));
  LIBC(connect(client, (void *)&address, len));
  got = sizeof peer;
  int server = accept4(listener, (void *)&peer, &got, SOCK_CLOEXEC);
  printf("accepted %s, peer %d bytes\n", server >= 0 ? "one" : "none", (int)got);
  RAW(raw(accept4, listener, NULL, NULL, 1));
  // Room of every size: the length told is the whole one's.
  for (int room = 0; room <= 16; room += 3) {
    memset(&peer, 'x', sizeof peer);
    got = (socklen_t)room;
    LIBC(getsockname(server, (void *)&peer, &got));
    printf("room %d: length %d, \"%.12s\"\n", room, (int)got, peer.sun_path);
  }
  got = sizeof peer;
  LIBC(getpeername(client, (void *)&peer, &got));
  printf("%d %s\n", (int)got, peer.sun_path);
  got = (socklen_t)-1;
  LIBC(getsockname(server, (void *)&peer, &got));
  RAW(raw(getsockname, server, BAD, (void *)&got));
  got = sizeof peer;
  RAW(raw(getsockname, server, BAD, (void *)&got));
  got = 0;
  RAW(raw(getsockname, server, BAD, (void *)&got));
  RAW(raw(getsockname, server, NULL, (void *)&got));
  RAW(raw(getsockname, server, &peer, BAD));
  RAW(raw(getsockname, server, &peer, NULL));
  RAW(raw(getsockname, 0, BAD, BAD));
  RAW(raw(getsockname, 0x7fff, BAD, BAD));
  LIBC(send(client, "via a name", 10, 0));
  received(recv(server, buffer, sizeof buffer, 0));
  close(client);
  received(recv(server, buffer, sizeof buffer, 0));
  close(server);
  // A connection that is there, and no room for the peer's address.
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  LIBC(connect(client, (void *)&address, len));
  RAW(raw(accept, listener, &peer, BAD));
  LIBC(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, len));
  got = 0;
  server = accept(listener, (void *)&peer, &got);
  printf("%s %d\n", server >= 0 ? "accepted" : "not", (int)got);
  struct stat st;
  LIBC(stat("socket", &st));
  CHECK(S_ISSOCK(st.st_mode));
  LIBC(unlink("socket"));
  LIBC(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, len));

  int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un one, two;
  socklen_t one_len = path(&one, "one"), two_len = path(&two, "two");
  LIBC(bind(a, (void *)&one, one_len));
  LIBC(bind(b, (void *)&two, two_len));
  LIBC(sendto(a, "to two", 6, 0, (void *)&two, two_len));
  got = sizeof peer;
  received(recvfrom(b, buffer, sizeof buffer, 0, (void *)&peer, &got));
  printf("%d %s\n", (int)got, peer.sun_path);
  LIBC(sendto(a, "to two", 6, 0, (void *)&two, two_len));
  got = 4;
  memset(&peer, 0, sizeof peer);
  received(recvfrom(b, buffer, sizeof buffer, 0, (void *)&peer, &got));
  printf("%d \"%s\"\n", (int)got, peer.sun_path);
  LIBC(sendto(a, "x", 1, 0, (void *)&two, two_len));
  RAW(raw(recvfrom, b, buffer, 8, 0, BAD, (void *)&got));
  LIBC(sendto(a, "x", 1, 0, (void *)&two, two_len));
  RAW(raw(recvfrom, b, buffer, 8, 0, &peer, BAD));
  LIBC(sendto(a, "x", 1, 0, (void *)&two, two_len));
  RAW(raw(recvfrom, b, buffer, 8, 0, NULL, BAD));
  LIBC(send(a, "x", 1, 0));
  LIBC(connect(a, (void *)&two, two_len));
  LIBC(send(a, "connected", 9, 0));
  received(recv(b, buffer, sizeof buffer, 0));
}

// Binds to any free port of a loopback address, and tells which.
static socklen_t loopback(int fd, struct sockaddr_storage *at, int family) {
  socklen_t len;
  memset(at, 0, sizeof *at);
  if (family == AF_INET) {
    struct sockaddr_in *in = (void *)at;
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof *in;
  } else {
    struct sockaddr_in6 *in6 = (void *)at;
    in6->sin6_family = AF_INET6;
    in6->sin6_addr.s6_addr[15] = 1;
    len = sizeof *in6;
  }
  LIBC(bind(fd, (void *)at, len));
  LIBC(getsockname(fd, (void *)at, &len));
  printf("%d bytes\n", (int)len);
  CHECK(((struct sockaddr_in *)(void *)at)->sin_port != 0);
  return len;
}

static void internet(int family) {
  printf("-- loopback, family %d\n", family);
  struct sockaddr_storage at, peer;
  int listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0);
  socklen_t len = loopback(listener, &at, family), got = sizeof peer;
  LIBC(connect(client, (void *)&at, len));
  LIBC(getpeername(client, (void *)&peer, &got));
  LIBC(listen(listener, 1));
  LIBC(connect(client, (void *)&at, len));
  got = sizeof peer;
  int server = accept(listener, (void *)&peer, &got);
  printf("%s, %d bytes\n", server >= 0 ? "accepted" : "not", (int)got);
  LIBC(send(client, "over the wire", 13, 0));
  received(recv(server, buffer, 13, MSG_WAITALL));
  LIBC(send(client, "!", 1, MSG_OOB));
  LIBC(send(client, "x", 1, 0));
  received(recv(server, buffer, 1, MSG_WAITALL));
  received(recv(server, buffer, 1, MSG_OOB));
  received(recv(server, buffer, 1, MSG_OOB));
  LIBC(shutdown(client, SHUT_WR));
  received(recv(server, buffer, 1, 0));
  close(server);
  received(recv(client, buffer, 1, 0));
  close(client);

  puts("without blocking");
  client = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  received(recv(client, buffer, 1, 0));
  int result = connect(client, (void *)&at, len);
  CHECK(result == 0 || errno == EINPROGRESS);
  while ((result = connect(client, (void *)&at, len)) != 0 && errno == EALREADY)
    ;
  CHECK(result == 0 || errno == EISCONN);
  received(recv(client, buffer, 1, 0));
  server = accept(listener, NULL, NULL);
  static char block[4096];
  long long filled = 0;
  for (ssize_t wrote; (wrote = write(client, block, sizeof block)) > 0;) filled += wrote;
  printf("full: %s\n", error_name(errno));
  CHECK(filled > (long long)sizeof block);
  LIBC(shutdown(listener, SHUT_RDWR));
  RAW(raw(accept, listener, NULL, NULL));
  close(client), close(server);
  // While the port is nobody else's.
  LIBC(connect(socket(family, SOCK_STREAM, 0), (void *)&at, len));
  close(listener);

  puts("datagrams");
  int a = socket(family, SOCK_DGRAM, 0), b = socket(family, SOCK_DGRAM, 0);
  struct sockaddr_storage here, there;
  len = loopback(a, &here, family), loopback(b, &there, family);
  LIBC(sendto(a, "datagram", 8, 0, (void *)&there, len));
  got = sizeof peer;
  received(recvfrom(b, buffer, 4, MSG_TRUNC, (void *)&peer, &got) == 8 ? 4 : -1);
  CHECK(got == len && memcmp(&peer, &here, len) == 0);
  LIBC(sendto(a, "", 0, 0, (void *)&there, len));
  received(recvfrom(b, buffer, 4, 0, NULL, NULL));
  received(recvfrom(b, buffer, 4, MSG_DONTWAIT, NULL, NULL));
  static char large[70000];
  LIBC(sendto(a, large, sizeof large, 0, (void *)&there, len));
  LIBC(connect(a, (void *)&there, len));
  close(b);
  LIBC(send(a, "to nobody", 9, 0));
  struct pollfd error = {a, 0, 0};
  LIBC(poll(&error, 1, -1));
  LIBC(send(a, "refused", 7, 0));
  LIBC(send(a, "again", 5, 0));
  ((struct sockaddr *)&there)->sa_family = AF_UNSPEC;
  LIBC(connect(a, (void *)&there, len));
  LIBC(send(a, "unconnected", 11, 0));
  LIBC(shutdown(a, SHUT_RDWR));
}

int main(void) {
  puts("-- making them");
  int s[2];
  LIBC(socket(AF_UNIX, SOCK_STREAM, 1) >= 0 ? 0 : -1);
  LIBC(socket(AF_UNIX, SOCK_STREAM, 2));
  LIBC(socket(AF_UNIX, 4711, 0));
  LIBC(socket(-1, SOCK_STREAM, 0));
  LIBC(socket(4711, SOCK_STREAM, 0));
  LIBC(socket(AF_INET, SOCK_STREAM, 4711));
  LIBC(socket(AF_INET, SOCK_SEQPACKET, 0));
  LIBC(socket(AF_INET, SOCK_STREAM | 0x10000, 0));
  RAW(raw(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD));
  RAW(raw(socketpair, AF_UNIX, SOCK_STREAM, 0, NULL));
  LIBC(socketpair(AF_INET, SOCK_STREAM, 0, s));
  RAW(raw(connect, 0, BAD, 1));
  RAW(raw(connect, 0x7fff, BAD, -1));
  RAW(raw(sendto, 0, BAD, 1, 0, BAD, -1));
  RAW(raw(recvfrom, 0, BAD, 1, 0, BAD, BAD));
  RAW(raw(recvfrom, 0x7fff, BAD, 1, 0, BAD, BAD));
  LIBC(shutdown(0, 0));
  LIBC(shutdown(0x7fff, 99));
  streams();
  messages(SOCK_DGRAM, "datagrams");
  messages(SOCK_SEQPACKET, "sequenced packets");
  named();
  internet(AF_INET);
  internet(AF_INET6);
  return 0;
}
