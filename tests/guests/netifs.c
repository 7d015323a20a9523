// Network interfaces by ioctl: the loopback interface is the same for all.
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common.h"

#ifndef __wasm__
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#endif

// A request's name, and the bytes of what is about it.
static struct {
  char name[16];
  unsigned char value[24];
} request;

static void ask(int fd, unsigned number, const char *what) {
  memset(request.value, 0x55, sizeof request.value);
  printf("%s: %s %s ", what, outcome(raw(ioctl, fd, number, (uintptr_t)&request)), request.name);
  for (size_t i = 0; i < sizeof request.value; i++) printf("%02x", request.value[i]);
  puts("");
}
#define ASK(fd, number) ask(fd, number, #number)
#define P(pointer) ((uintptr_t)(pointer))

int main(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), pair[2];
  strcpy(request.name, "lo");
  ASK(fd, SIOCGIFINDEX);
  ASK(fd, SIOCGIFFLAGS);
  ASK(fd, SIOCGIFADDR);
  ASK(fd, SIOCGIFNETMASK);
  ASK(fd, SIOCGIFBRDADDR);
  ASK(fd, SIOCGIFDSTADDR);
  ASK(fd, SIOCGIFMTU);
  ASK(fd, SIOCGIFMETRIC);
  ASK(fd, SIOCGIFHWADDR);
  ASK(fd, SIOCGIFTXQLEN);
  ASK(fd, SIOCGIFMAP);
  strcpy(request.name, "none such");
  ASK(fd, SIOCGIFINDEX);
  ASK(fd, SIOCGIFADDR);
  int index = 1;
  memset(&request, 0, sizeof request);
  memcpy(request.value, &index, sizeof index);
  RAW(raw(ioctl, fd, SIOCGIFNAME, P(&request)));
  printf("%s\n", request.name);
  RAW(raw(ioctl, fd, SIOCGIFINDEX, P(BAD)));
  RAW(raw(ioctl, fd, SIOCGIFINDEX, P(NULL)));
  RAW(raw(ioctl, 0, SIOCGIFINDEX, P(BAD)));
  RAW(raw(ioctl, 0x7fff, SIOCGIFINDEX, P(BAD)));

  puts("-- all of them");
  static char all[4096], some[4096];
  struct ifconf list = {0};
  list.ifc_buf = NULL;
  RAW(raw(ioctl, fd, SIOCGIFCONF, P(&list)));
  int needed = list.ifc_len;
  CHECK(needed >= 40 && needed % 40 == 0);
  list.ifc_len = sizeof all, list.ifc_buf = all;
  RAW(raw(ioctl, fd, SIOCGIFCONF, P(&list)));
  CHECK(list.ifc_len == needed && list.ifc_buf == all);
  printf("%s\n", all);
  for (int room = 0; room <= 80; room += 20) {
    memset(some, 0x55, sizeof some);
    list.ifc_len = room, list.ifc_buf = some;
    int result = (int)raw(ioctl, fd, SIOCGIFCONF, P(&list));
    printf("room %d: %s %d\n", room, outcome(result), list.ifc_len);
    CHECK(memcmp(some, all, (size_t)list.ifc_len) == 0 && some[list.ifc_len] == 0x55);
  }
  list.ifc_len = 40, list.ifc_buf = BAD;
  RAW(raw(ioctl, fd, SIOCGIFCONF, P(&list)));
  list.ifc_len = -1, list.ifc_buf = some;
  RAW(raw(ioctl, fd, SIOCGIFCONF, P(&list)));
  RAW(raw(ioctl, fd, SIOCGIFCONF, P(BAD)));
  RAW(raw(ioctl, 0, SIOCGIFCONF, P(BAD)));

  puts("-- of sockets");
  int value = -1;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) die("socketpair");
  LIBC(send(pair[0], "seven..", 7, 0));
  RAW(raw(ioctl, pair[1], FIONREAD, P(&value)));
  printf("%d\n", value);
  RAW(raw(ioctl, fd, SIOCATMARK, P(&value)));
  value = getpid();
  RAW(raw(ioctl, fd, FIOSETOWN, P(&value)));
  value = 0;
  RAW(raw(ioctl, fd, SIOCGPGRP, P(&value)));
  CHECK(value == getpid());
  value = 0x7ffffff;
  RAW(raw(ioctl, fd, SIOCSPGRP, P(&value)));
  long long times[2];
  RAW(raw(ioctl, fd, SIOCGSTAMP_OLD, P(times)));
  RAW(raw(ioctl, fd, SIOCGSTAMPNS_OLD, P(BAD)));
  CHECK(raw(ioctl, fd, SIOCGSKNS, 0) > 0);

  puts("-- hardware addresses");
  struct arpreq entry;
  memset(&entry, 0, sizeof entry);
  RAW(raw(ioctl, fd, SIOCGARP, P(&entry)));
  entry.arp_pa.sa_family = AF_INET;
  strcpy(entry.arp_dev, "lo");
  RAW(raw(ioctl, fd, SIOCGARP, P(&entry)));
  RAW(raw(ioctl, fd, SIOCGARP, P(BAD)));
  return 0;
}
