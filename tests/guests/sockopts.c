// Options of sockets, at every level, and what control messages they bring.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common.h"

#ifndef __wasm__
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/tls.h>
#endif

// Sets a number, and reads it with room of several sizes.
static void number(int fd, int level, int option, const char *name, int value) {
  printf("%s: %s", name, libc_outcome(setsockopt(fd, level, option, &value, sizeof value)));
  for (socklen_t room = 0; room <= 8; room += 4) {
    unsigned char got[8];
    memset(got, 0x55, sizeof got);
    socklen_t len = room;
    printf(", %s", libc_outcome(getsockopt(fd, level, option, got, &len)));
    printf(" %d ", (int)len);
    for (int i = 0; i < 8; i++) printf("%02x", got[i]);
  }
  puts("");
}
#define NUMBER(fd, level, option, value) number(fd, level, option, #option, value)

// What cannot be set, or is not the same in every run.
static void get(int fd, int level, int option, const char *name) {
  unsigned char got[512];
  socklen_t len = sizeof got;
  int result = getsockopt(fd, level, option, got, &len);
  printf("%s: %s, %d bytes\n", name, libc_outcome(result), (int)len);
}
#define GET(fd, level, option) get(fd, level, option, #option)

static void general(void) {
  puts("-- of every socket");
  int fd = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
  NUMBER(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  NUMBER(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  NUMBER(fd, SOL_SOCKET, SO_KEEPALIVE, 7);
  NUMBER(fd, SOL_SOCKET, SO_BROADCAST, 1);
  NUMBER(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  NUMBER(fd, SOL_SOCKET, SO_DONTROUTE, 1);
  NUMBER(fd, SOL_SOCKET, SO_PRIORITY, 3);
  NUMBER(fd, SOL_SOCKET, SO_MARK, 3);
  NUMBER(fd, SOL_SOCKET, SO_RCVLOWAT, 0);
  NUMBER(fd, SOL_SOCKET, SO_SNDLOWAT, 5);
  NUMBER(fd, SOL_SOCKET, SO_SNDBUF, 8000);
  NUMBER(fd, SOL_SOCKET, SO_RCVBUF, 1);
  NUMBER(fd, SOL_SOCKET, SO_TYPE, 1);
  NUMBER(fd, SOL_SOCKET, SO_ERROR, 1);
  NUMBER(fd, SOL_SOCKET, SO_DOMAIN, 1);
  NUMBER(fd, SOL_SOCKET, SO_PROTOCOL, 1);
  NUMBER(fd, SOL_SOCKET, SO_ACCEPTCONN, 1);
  NUMBER(fd, SOL_SOCKET, SO_PASSCRED, 1);
  NUMBER(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
  NUMBER(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  NUMBER(fd, SOL_SOCKET, SO_LOCK_FILTER, 0);
  NUMBER(fd, SOL_SOCKET, SO_ZEROCOPY, 2);
  NUMBER(fd, SOL_SOCKET, SO_BSDCOMPAT, 1);
  NUMBER(fd, SOL_SOCKET, 0, 1);
  NUMBER(fd, SOL_SOCKET, -1, 1);
  NUMBER(fd, SOL_SOCKET, 30000, 1);
  NUMBER(fd, 30000, 1, 1);
  NUMBER(fd, -1, 1, 1);
  NUMBER(0, SOL_SOCKET, SO_TYPE, 1);
  NUMBER(0x7fff, SOL_SOCKET, SO_TYPE, 1);
  NUMBER(0x7fff, 30000, 1, 1);
  GET(fd, SOL_SOCKET, SO_PEERCRED);
  GET(fd, SOL_SOCKET, SO_MEMINFO);
  GET(fd, SOL_SOCKET, SO_COOKIE);
  GET(fd, SOL_SOCKET, SO_PEERNAME);
  GET(fd, SOL_SOCKET, SO_PEERGROUPS);
  struct timeval time = {1, 500000};
  LIBC(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  time.tv_usec = 1000000;
  LIBC(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  LIBC(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, 8));
  socklen_t len = sizeof time;
  LIBC(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, &len));
  printf("%d: %lld %lld\n", (int)len, (long long)time.tv_sec, (long long)time.tv_usec);
  time = (struct timeval){0, 20000};
  LIBC(setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  LIBC(recv(u, &time, 1, 0));
  struct linger linger = {1, 5};
  LIBC(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
  linger = (struct linger){0, 0}, len = sizeof linger;
  LIBC(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len));
  printf("%d %d\n", linger.l_onoff, linger.l_linger);
  LIBC(setsockopt(u, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  char name[16] = "";
  len = sizeof name;
  LIBC(getsockopt(u, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
  printf("%d %s\n", (int)len, name);
  LIBC(setsockopt(u, SOL_SOCKET, SO_BINDTODEVICE, "no such one", 11));

  int one = 1;
  len = 4;
  RAW(raw(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, BAD, 4));
  RAW(raw(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, NULL, 4));
  RAW(raw(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, 3));
  RAW(raw(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, 0));
  RAW(raw(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, -1));
  RAW(raw(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, 0x7fffffff));
  RAW(raw(setsockopt, 0x7fff, SOL_SOCKET, SO_REUSEADDR, BAD, -1));
  RAW(raw(getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, BAD, (void *)&len));
  RAW(raw(getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, NULL, (void *)&len));
  RAW(raw(getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, BAD));
  RAW(raw(getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, NULL));
  len = (socklen_t)-1;
  RAW(raw(getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, (void *)&len));
}

static void internet(void) {
  puts("-- of IPv4");
  int fd = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
  NUMBER(u, IPPROTO_IP, IP_TOS, 0x10);
  NUMBER(u, IPPROTO_IP, IP_TTL, 33);
  NUMBER(u, IPPROTO_IP, IP_TTL, 256);
  NUMBER(u, IPPROTO_IP, IP_MULTICAST_TTL, 5);
  NUMBER(u, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
  NUMBER(u, IPPROTO_IP, IP_MTU_DISCOVER, 2);
  NUMBER(u, IPPROTO_IP, IP_PKTINFO, 1);
  NUMBER(u, IPPROTO_IP, IP_RECVTTL, 1);
  NUMBER(u, IPPROTO_IP, IP_RECVERR, 1);
  NUMBER(u, IPPROTO_IP, IP_FREEBIND, 1);
  NUMBER(u, IPPROTO_IP, IP_MTU, 1);
  NUMBER(u, IPPROTO_IP, 4711, 1);
  struct ip_mreq group = {{htonl(0xe0000123)}, {htonl(INADDR_LOOPBACK)}};
  LIBC(setsockopt(u, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
  LIBC(setsockopt(u, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
  LIBC(setsockopt(u, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group));
  LIBC(setsockopt(u, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, 4));
  puts("-- of IPv6");
  int six = socket(AF_INET6, SOCK_DGRAM, 0);
  NUMBER(six, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  NUMBER(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
  NUMBER(six, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  NUMBER(six, IPPROTO_IPV6, IPV6_TCLASS, 4);
  NUMBER(six, IPPROTO_IPV6, IPV6_MTU_DISCOVER, 1);
  NUMBER(six, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 3);
  NUMBER(six, IPPROTO_IPV6, 4711, 3);
  NUMBER(u, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  puts("-- of TCP");
  NUMBER(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  NUMBER(fd, IPPROTO_TCP, TCP_MAXSEG, 1000);
  NUMBER(fd, IPPROTO_TCP, TCP_CORK, 1);
  NUMBER(fd, IPPROTO_TCP, TCP_KEEPIDLE, 100);
  NUMBER(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  NUMBER(fd, IPPROTO_TCP, TCP_KEEPCNT, 5);
  NUMBER(fd, IPPROTO_TCP, TCP_SYNCNT, 3);
  NUMBER(fd, IPPROTO_TCP, TCP_LINGER2, 7);
  NUMBER(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
  NUMBER(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
  NUMBER(fd, IPPROTO_TCP, 4711, 1);
  NUMBER(u, IPPROTO_TCP, TCP_NODELAY, 1);
  GET(fd, IPPROTO_TCP, TCP_CONGESTION);
  LIBC(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
  LIBC(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "no such", 7));
  char name[16] = "";
  socklen_t len = sizeof name;
  LIBC(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
  printf("%d %s\n", (int)len, name);
  GET(fd, IPPROTO_TCP, TCP_INFO);
  puts("-- of UDP");
  NUMBER(u, IPPROTO_UDP, UDP_CORK, 1);
  NUMBER(u, IPPROTO_UDP, UDP_CORK, 0);
  NUMBER(u, IPPROTO_UDP, UDP_SEGMENT, 100);
  NUMBER(u, IPPROTO_UDP, UDP_GRO, 1);
  NUMBER(u, IPPROTO_UDP, 4711, 1);
  puts("-- of raw sockets");
  int raw_fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  NUMBER(raw_fd, IPPROTO_RAW, ICMP_FILTER, 1);
}

static void others(void) {
  puts("-- of other families");
  int netlink = socket(AF_NETLINK, SOCK_RAW, 0);
  NUMBER(netlink, SOL_NETLINK, NETLINK_PKTINFO, 1);
  NUMBER(netlink, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  NUMBER(netlink, SOL_NETLINK, NETLINK_EXT_ACK, 1);
  NUMBER(netlink, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 1);
  NUMBER(netlink, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, 1);
  NUMBER(netlink, SOL_NETLINK, 4711, 1);
  // Who has no right to one has none in either world.
  int packet = socket(AF_PACKET, SOCK_RAW, 0);
  NUMBER(packet, SOL_PACKET, PACKET_VERSION, 2);
  NUMBER(packet, SOL_PACKET, PACKET_RESERVE, 4);
  NUMBER(packet, SOL_PACKET, PACKET_AUXDATA, 1);
  NUMBER(packet, SOL_PACKET, PACKET_HDRLEN, 1);
  NUMBER(packet, SOL_PACKET, PACKET_STATISTICS, 1);
  NUMBER(packet, SOL_PACKET, 4711, 1);
  int fd = socket(AF_INET, SOCK_STREAM, 0), unix_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  NUMBER(fd, SOL_TLS, TLS_TX, 1);
  NUMBER(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  NUMBER(unix_fd, IPPROTO_TCP, TCP_NODELAY, 1);
  NUMBER(unix_fd, SOL_ALG, ALG_SET_KEY, 1);
  NUMBER(unix_fd, SOL_SOCKET, SO_PASSCRED, 1);
  GET(unix_fd, SOL_SOCKET, SO_PEERCRED);
  GET(unix_fd, SOL_SOCKET, SO_PEERSEC);
}

// Filters: the length of the struct is what the kernel knows them by.
static void filters(void) {
  puts("-- filters");
  int s[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s) != 0) die("socketpair");
  // Messages whose first byte is 'y' pass, three bytes of them.
  struct sock_filter code[] = {
      {0x30, 0, 0, 0}, {0x15, 0, 1, 'y'}, {0x06, 0, 0, 3}, {0x06, 0, 0, 0}};
  struct sock_fprog filter = {4, code};
  char got[16] = "";
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
  LIBC(send(s[0], "no, not this", 12, MSG_DONTWAIT) > 0 ? 0 : -1);
  LIBC(send(s[0], "yes, this", 9, 0));
  LIBC(recv(s[1], got, sizeof got, MSG_DONTWAIT));
  printf("%s\n", got);
  struct sock_filter back[8];
  memset(back, 0, sizeof back);
  for (socklen_t room = 0; room <= 8; room += 2) {
    socklen_t len = room;
    LIBC(getsockopt(s[1], SOL_SOCKET, SO_GET_FILTER, back, &len));
    printf("%d %s\n", (int)len, memcmp(back, code, sizeof code) == 0 ? "the same" : "not yet");
  }
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_DETACH_FILTER, got, 4));
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_DETACH_FILTER, got, 4));
  // 8 and 16 are the right one of either world.
  for (socklen_t len = 0; len <= 24; len++)
    if (len != 8 && len != 16)
      printf("length %d: %s\n", (int)len,
             libc_outcome(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, len)));
  RAW(raw(setsockopt, s[1], SOL_SOCKET, SO_ATTACH_FILTER, BAD, (int)sizeof filter));
  RAW(raw(setsockopt, s[1], SOL_SOCKET, SO_ATTACH_FILTER, NULL, (int)sizeof filter));
  RAW(raw(setsockopt, s[1], SOL_SOCKET, SO_ATTACH_FILTER, BAD, -1));
  RAW(raw(setsockopt, 0, SOL_SOCKET, SO_ATTACH_FILTER, BAD, (int)sizeof filter));
  RAW(raw(setsockopt, 0x7fff, SOL_SOCKET, SO_ATTACH_FILTER, BAD, (int)sizeof filter));
  filter.filter = BAD;
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
  filter.filter = NULL;
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
  filter.filter = code, filter.len = 0;
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
  filter.len = 3;
  code[2].code = 0xffff;
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
  filter.len = 65535;
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
  int u = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
  struct sock_filter first[] = {{0x06, 0, 0, 0}};
  filter = (struct sock_fprog){1, first};
  LIBC(setsockopt(u, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter));
  LIBC(setsockopt(u, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
  LIBC(setsockopt(u, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter));
  LIBC(setsockopt(u, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, 4));
}

static char text[16];
static unsigned char control[256];
static struct iovec piece = {text, sizeof text};
static struct msghdr message;

static int receive(int fd, socklen_t room) {
  memset(control, 0x55, sizeof control);
  message = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
  message.msg_control = control, message.msg_controllen = room;
  int result = (int)recvmsg(fd, &message, 0);
  printf("%s, flags %#x:", libc_outcome(result), (unsigned)message.msg_flags);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
    printf(" %d/%d with %d", c->cmsg_level, c->cmsg_type, (int)(c->cmsg_len - CMSG_LEN(0)));
  puts("");
  return result;
}

static void control_messages(void) {
  puts("-- what comes with messages");
  int s[2], on = 1;
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s) != 0) die("socketpair");
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  LIBC(send(s[0], "credentials", 11, 0));
  receive(s[1], sizeof control);
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  if (c) {
    struct ucred from;
    memcpy(&from, CMSG_DATA(c), sizeof from);
    CHECK(from.pid == getpid() && from.uid == getuid() && from.gid == getgid());
  }
  CHECK(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, text, sizeof(void *) == 4 ? 16 : 8) == -1 &&
        errno == EINVAL);
  // Times, then credentials, then descriptors, in one buffer. Where room ends with a header, libcs
  // differ about whether it counts.
  LIBC(setsockopt(s[1], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
  for (socklen_t room = 4; room <= 100; room += 8) {
    message = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
    memset(control, 0, sizeof control);
    message.msg_control = control, message.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int));
    c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &s[0], sizeof(int));
    LIBC(sendmsg(s[0], &message, 0));
    printf("room %d: ", (int)room);
    receive(s[1], room);
  }
  int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof at;
  LIBC(bind(b, (void *)&at, sizeof at));
  LIBC(getsockname(b, (void *)&at, &len));
  LIBC(setsockopt(b, IPPROTO_IP, IP_PKTINFO, &on, sizeof on));
  LIBC(setsockopt(b, IPPROTO_IP, IP_RECVTTL, &on, sizeof on));
  LIBC(setsockopt(b, IPPROTO_IP, IP_RECVTOS, &on, sizeof on));
  LIBC(setsockopt(b, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
  LIBC(sendto(a, "hello", 5, 0, (void *)&at, len));
  receive(b, sizeof control);
  for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    struct in_pktinfo info;
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      memcpy(&info, CMSG_DATA(c), sizeof info);
      CHECK(info.ipi_addr.s_addr == htonl(INADDR_LOOPBACK));
    }
  }
  // The time to live goes out with a message, and comes in with it.
  int ttl = 44;
  message = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
  message.msg_name = &at, message.msg_namelen = len;
  message.msg_control = control, message.msg_controllen = sizeof control;
  memset(control, 0, sizeof control);
  c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = IPPROTO_IP, c->cmsg_type = IP_TTL, c->cmsg_len = (socklen_t)CMSG_LEN(sizeof ttl);
  memcpy(CMSG_DATA(c), &ttl, sizeof ttl);
  // A second one, and a length summed up as the manual says.
  c = CMSG_NXTHDR(&message, c);
  int tos = 0x10;
  c->cmsg_level = IPPROTO_IP, c->cmsg_type = IP_TOS, c->cmsg_len = (socklen_t)CMSG_LEN(sizeof tos);
  memcpy(CMSG_DATA(c), &tos, sizeof tos);
  message.msg_controllen = (socklen_t)(CMSG_SPACE(sizeof ttl) + CMSG_SPACE(sizeof tos));
  LIBC(sendmsg(a, &message, 0));
  receive(b, sizeof control);
  for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
    if (c->cmsg_level == IPPROTO_IP && (c->cmsg_type == IP_TTL || c->cmsg_type == IP_TOS))
      printf("%d\n", *CMSG_DATA(c));
}

int main(void) {
  general();
  internet();
  others();
  filters();
  control_messages();
  return 0;
}
