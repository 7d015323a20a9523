// Requests, options and flags that came after Linux 6.12, as far as the kernel under it has them.
//
// cases:
//   all: { files: { file: "text" } }
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "common.h"

#ifndef __wasm__
#include <sys/prctl.h>
// What the C library's headers may be too old for.
#include "wali_native.h"
#endif

#define SHOW(name, ...) printf("%s(%s) = %s\n", #name, #__VA_ARGS__, outcome(raw(name, __VA_ARGS__)))
#define ADDRESS(pointer) ((uintptr_t)(pointer))

// struct pidfd_info as far as programs of several ages know it.
struct info {
  uint64_t mask, cgroup;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
  uint32_t coredump[4];
  uint64_t supported;
  uint64_t more[5];
};

// The request for a structure of another size.
static unsigned sized(unsigned request, unsigned size) {
  return (request & ~((unsigned)_IOC_SIZEMASK << _IOC_SIZESHIFT)) | size << _IOC_SIZESHIFT;
}

static void processes(void) {
  puts("-- descriptors of processes");
  int self = (int)raw(pidfd_open, getpid(), 0);
  const unsigned sizes[] = {0, 8, 56, 60, 64, 68, 72, 80, 88, 96, 128};
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct info info;
    memset(&info, 0x55, sizeof info);
    info.mask = PIDFD_INFO_PID | PIDFD_INFO_CREDS;
    long long result = raw(ioctl, self, sized(PIDFD_GET_INFO, sizes[i]), ADDRESS(&info));
    // What the kernel wrote, and that it wrote no more than that.
    unsigned untouched = sizeof info;
    while (untouched > 0 && ((unsigned char *)&info)[untouched - 1] == 0x55) untouched--;
    printf("%u bytes: %s, mask %#llx, pid %s, parent %s, written up to %u\n", sizes[i],
           outcome(result), (unsigned long long)info.mask & 7,
           info.pid == (uint32_t)getpid() ? "own" : "other",
           info.ppid == (uint32_t)getppid() ? "own" : "other", untouched);
  }
  struct info info = {0};
  SHOW(ioctl, self, PIDFD_GET_INFO, 0);
  SHOW(ioctl, self, PIDFD_GET_INFO, ADDRESS(BAD));
  SHOW(ioctl, -1, PIDFD_GET_INFO, ADDRESS(&info));
  SHOW(ioctl, open("file", O_RDONLY), PIDFD_GET_INFO, ADDRESS(&info));
  SHOW(ioctl, self, sized(PIDFD_GET_INFO, 64) + 1, ADDRESS(&info));

  // How a child ended, when it has been waited for.
  int child = fork();
  if (child == 0) _exit(7);
  int pidfd = (int)raw(pidfd_open, child, 0);
  CHECK(raw(wait4, child, NULL, 0, NULL) == child);
  info.mask = PIDFD_INFO_EXIT;
  SHOW(ioctl, pidfd, sized(PIDFD_GET_INFO, 64), ADDRESS(&info));
  printf("%d, code %d\n", (info.mask & PIDFD_INFO_EXIT) != 0, info.exit_code);

  // Descriptors that need not be opened.
  SHOW(pidfd_send_signal, PIDFD_SELF, 0, NULL, 0);
  SHOW(pidfd_send_signal, PIDFD_SELF_PROCESS, 0, NULL, 0);
  SHOW(pidfd_send_signal, PIDFD_SELF_PROCESS - 1, 0, NULL, 0);
  SHOW(pidfd_send_signal, PIDFD_SELF, 1000, NULL, 0);
  SHOW(ioctl, PIDFD_SELF, PIDFD_GET_INFO, ADDRESS(&info));
}

static void namespaces(void) {
  puts("-- namespaces");
  uint64_t id = 0, mounts = 0;
  uint32_t about[8] = {0};
  int fd = open("/proc/self/ns/mnt", O_RDONLY), other = open("/proc/self/ns/uts", O_RDONLY);
  SHOW(ioctl, fd, NS_GET_ID, ADDRESS(&id));
  SHOW(ioctl, fd, NS_GET_MNTNS_ID, ADDRESS(&mounts));
  CHECK(id == mounts);
  SHOW(ioctl, other, NS_GET_ID, ADDRESS(&id));
  SHOW(ioctl, fd, NS_GET_ID, ADDRESS(BAD));
  SHOW(ioctl, fd, NS_GET_ID, 0);
  SHOW(ioctl, open("file", O_RDONLY), NS_GET_ID, ADDRESS(&id));
  SHOW(ioctl, fd, NS_MNT_GET_INFO, ADDRESS(about));
  for (unsigned size = 8; size <= 32; size += 8) {
    memset(about, 0x55, sizeof about);
    printf("%u: %s", size, outcome(raw(ioctl, fd, sized(NS_MNT_GET_INFO, size), ADDRESS(about))));
    printf(" %d %d\n", about[4] == 0x55555555, about[6] == 0x55555555);
  }
  SHOW(ioctl, fd, sized(NS_MNT_GET_INFO, 24), ADDRESS(BAD));
}

static void files(void) {
  puts("-- files");
  uint64_t mount = 0x5555555555555555, short_mount = 0x5555555555555555;
  uint32_t handle[40] = {128};
  int file = open("file", O_RDONLY);
  SHOW(name_to_handle_at, AT_FDCWD, "file", (void *)handle, (void *)&short_mount, 0);
  CHECK(short_mount >> 32 == 0x55555555);
  SHOW(name_to_handle_at, AT_FDCWD, "file", (void *)handle, (void *)&mount, AT_HANDLE_MNT_ID_UNIQUE);
  CHECK(mount >> 32 != 0x55555555);
  handle[0] = 128;
  SHOW(name_to_handle_at, AT_FDCWD, "file", (void *)handle, (void *)&mount, AT_HANDLE_CONNECTABLE);
  SHOW(name_to_handle_at, AT_FDCWD, "file", (void *)handle, BAD, AT_HANDLE_MNT_ID_UNIQUE);
  SHOW(name_to_handle_at, AT_FDCWD, "file", (void *)handle, (void *)&mount,
       AT_HANDLE_FID | AT_HANDLE_CONNECTABLE);
  SHOW(ioctl, file, FS_IOC_GETLBMD_CAP, ADDRESS(handle));
  SHOW(ioctl, file, sized(FS_IOC_GETLBMD_CAP, 24), ADDRESS(handle));
  SHOW(ioctl, file, sized(FS_IOC_GETLBMD_CAP, 8), ADDRESS(handle));
  SHOW(ioctl, file, VT_GETCONSIZECSRPOS, ADDRESS(handle));
  SHOW(ioctl, file, VT_RESIZEX, ADDRESS(handle));
  SHOW(ioctl, file, VT_WAITEVENT, ADDRESS(handle));
  SHOW(ioctl, file, RTC_PLL_GET, ADDRESS(handle));
  SHOW(ioctl, -1, FS_IOC_SHUTDOWN, ADDRESS(handle));
  SHOW(openat, AT_FDCWD, "", O_EMPTYPATH, 0);
  SHOW(openat, AT_FDCWD, "absent", O_EMPTYPATH, 0);
}

static void processors(void) {
  puts("-- prctl");
  SHOW(prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_GET, 0, 0, 0);
  SHOW(prctl, PR_TIMER_CREATE_RESTORE_IDS, 3, 0, 0, 0);
  SHOW(prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_ON, 0, 0, 0);
  SHOW(prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_GET, 0, 0, 0);
  // Restored: the number is the caller's choice.
  int timer = 77;
  SHOW(timer_create, CLOCK_MONOTONIC, NULL, (void *)&timer);
  printf("%d\n", timer);
  SHOW(timer_create, CLOCK_MONOTONIC, NULL, (void *)&timer);
  SHOW(timer_delete, 77);
  SHOW(prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_OFF, 0, 0, 0);
  SHOW(prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_GET, 0, 0, 0);

  SHOW(prctl, PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, 16, 0, 0);
  SHOW(prctl, PR_FUTEX_HASH, PR_FUTEX_HASH_GET_SLOTS, 0, 0, 0);
  SHOW(prctl, PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, 3, 0, 0);
  SHOW(prctl, PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, 16, 1, 0);
  SHOW(prctl, PR_FUTEX_HASH, 3, 0, 0, 0);

  SHOW(prctl, PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0);
  SHOW(prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0);
  SHOW(prctl, PR_SET_THP_DISABLE, 1, 4, 0, 0);
  SHOW(prctl, PR_SET_THP_DISABLE, 0, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0);
  SHOW(prctl, PR_SET_THP_DISABLE, 0, 0, 0, 0);
  SHOW(prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0);

  struct timespec time;
  SHOW(clock_gettime, CLOCK_AUX, (void *)&time);
  SHOW(clock_gettime, CLOCK_AUX - 1, (void *)&time);
  uint32_t attr[20];
  SHOW(sched_getattr, 0, (void *)attr, sizeof attr, SCHED_GETATTR_FLAG_DL_DYNAMIC << 1);
}

// Sets and reads a number.
static void number(int fd, int level, int option, const char *name, int value) {
  int got = -77;
  socklen_t len = sizeof got;
  printf("%s %d: %s", name, value, libc_outcome(setsockopt(fd, level, option, &value, sizeof value)));
  printf(", %s, ", libc_outcome(getsockopt(fd, level, option, &got, &len)));
  printf("%d, %d bytes; ", got, (int)len);
  printf("%s\n", libc_outcome(setsockopt(fd, level, option, &value, 1)));
}
#define NUMBER(fd, level, option, value) number(fd, level, option, #option, value)

static void sockets(void) {
  puts("-- sockets");
  int pair[2], tcp = socket(AF_INET, SOCK_STREAM, 0);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  NUMBER(pair[0], SOL_SOCKET, SO_RCVPRIORITY, 1);
  NUMBER(tcp, SOL_SOCKET, SO_RCVPRIORITY, 1);
  NUMBER(tcp, SOL_SOCKET, SO_PASSRIGHTS, 1);
  NUMBER(pair[0], SOL_SOCKET, SO_PASSRIGHTS, 1);
  NUMBER(pair[0], SOL_SOCKET, SO_PASSRIGHTS, 0);
  NUMBER(tcp, IPPROTO_TCP, TCP_RTO_MAX_MS, 2000);
  NUMBER(tcp, IPPROTO_TCP, TCP_RTO_MAX_MS, 5);
  NUMBER(tcp, IPPROTO_TCP, TCP_RTO_MAX_MS, -1);
  NUMBER(tcp, IPPROTO_TCP, TCP_RTO_MIN_US, 200000);
  NUMBER(tcp, IPPROTO_TCP, TCP_RTO_MIN_US, 5);
  NUMBER(tcp, IPPROTO_TCP, TCP_DELACK_MAX_US, 40000);
  NUMBER(tcp, IPPROTO_TCP, TCP_DELACK_MAX_US, -1);

  // A socket that takes no descriptors is given none.
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  char byte = 'x';
  struct iovec one = {&byte, 1};
  struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1};
  message.msg_control = &control, message.msg_controllen = sizeof control;
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(&control.header), &tcp, sizeof(int));
  LIBC(sendmsg(pair[1], &message, 0));
  for (int on = 1; on >= 0; on--) {
    LIBC(setsockopt(pair[0], SOL_SOCKET, SO_PASSRIGHTS, &on, sizeof on));
    printf("%s, ", libc_outcome(sendmsg(pair[1], &message, 0)));
    struct msghdr got = message;
    printf("%s\n", libc_outcome(recvmsg(pair[0], &got, MSG_DONTWAIT)));
    printf("%d\n", got.msg_controllen > 0);
    memcpy(&control.header.cmsg_len, &(__typeof__(control.header.cmsg_len)){CMSG_LEN(sizeof(int))},
           sizeof control.header.cmsg_len);
  }
}

int main(void) {
  processes();
  namespaces();
  files();
  processors();
  sockets();
  return 0;
}
