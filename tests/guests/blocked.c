// Every call that may block, and what becomes of it when a signal comes while it does. A child
// makes the call; its parent sees that it sleeps, sends the signal, and sees whether it sleeps
// again or has come back, with what. No time decides the outcome.
//
// cases:
//   handler: { args: [handler, "10"] }
//   handler_segv: { args: [handler, "11"] }
//   handler_bus: { args: [handler, "7"] }
//   restarting: { args: [restarting, "10"] }
//   restarting_segv: { args: [restarting, "11"] }
//   restarting_rt: { args: [restarting, "40"] }
//   ignored: { args: [ignored, "10"] }
//   ignored_segv: { args: [ignored, "11"] }
//   default_nothing: { args: [default, "28"] }
//   blocked: { args: [blocked, "10"] }
//   blocked_segv: { args: [blocked, "11"] }
//   stopped: { args: [stopped, "19"] }
//   stopped_tstp: { args: [stopped, "20"] }
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"
#ifndef __wasm__
#include <linux/futex.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#endif

#define LONG 1000

static struct {
  volatile int begins, handled, ended, lock;
  volatile long long result;
  volatile int checked;
} *shared;

static int ends[2], ids[3];
static char page[4096];
static sigset_t none, other;
static struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
static struct timespec until;
static struct timeval until_us;
static unsigned word;

static long long must(const char *what, long long result) {
  if (result < 0) {
    printf("%s: %s\n", what, outcome(result));
    fflush(stdout);
    _exit(1);
  }
  return result;
}

// What is left of a thousand seconds; a little more if the timer's slack has hardly begun.
static void left(long long seconds, long long parts) {
  shared->checked = (seconds < LONG && seconds > LONG - 200) || (seconds == LONG && parts > 0);
}
static struct timespec *some(void) {
  until = (struct timespec){LONG, 0};
  return &until;
}
static struct timeval *some_us(void) {
  until_us = (struct timeval){LONG, 0};
  return &until_us;
}
static struct timespec *later(int clock) {
  clock_gettime(clock, &until);
  until.tv_sec += LONG;
  return &until;
}

static void p(void) { must("pipe", raw(pipe2, ends, 0)); }
static void full(void) {
  p();
  must("size", raw(fcntl, ends[1], F_SETPIPE_SZ, 4096));
  must("write", raw(write, ends[1], page, 4096));
}
static void sockets(int type, int option) {
  must("socketpair", raw(socketpair, AF_UNIX, type, 0, ends));
  struct timeval time = {LONG, 0};
  if (option) must("option", raw(setsockopt, ends[0], SOL_SOCKET, option, (void *)&time, sizeof time));
}
static void full_sockets(int option) {
  sockets(SOCK_STREAM, option);
  while (raw(sendto, ends[0], page, 4096, MSG_DONTWAIT, NULL, 0) > 0) {}
}
static void listens(int option) {
  must("socket", ends[0] = (int)raw(socket, AF_UNIX, SOCK_STREAM, 0));
  raw(unlinkat, AT_FDCWD, name.sun_path, 0);
  must("bind", raw(bind, ends[0], (void *)&name, sizeof name));
  must("listen", raw(listen, ends[0], 0));
  struct timeval time = {LONG, 0};
  if (option) must("option", raw(setsockopt, ends[0], SOL_SOCKET, option, (void *)&time, sizeof time));
}
static void fifo(void) {
  raw(unlinkat, AT_FDCWD, "fifo", 0);
  must("mkfifo", raw(mknodat, AT_FDCWD, "fifo", S_IFIFO | 0600, 0));
}
// A child of the calling process that ends with it, at the latest.
static pid_t attendant(void) {
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    raw(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) _exit(0);
  }
  return child;
}
static void sleeper(void) {
  ids[0] = attendant();
  if (ids[0] == 0)
    for (;;) pause();
}
static void terminal(void) {
  must("ptmx", ends[1] = open("/dev/ptmx", O_RDWR | O_NOCTTY));
  int zero = 0, number;
  char path[32];
  must("unlock", raw(ioctl, ends[1], TIOCSPTLCK, (uintptr_t)&zero));
  must("number", raw(ioctl, ends[1], TIOCGPTN, (uintptr_t)&number));
  snprintf(path, sizeof path, "/dev/pts/%d", number);
  must("pts", ends[0] = open(path, O_RDWR | O_NOCTTY));
}
static void two_locks(void) {
  for (int i = 0; i < 2; i++) must("open", ends[i] = open("lock", O_RDWR | O_CREAT, 0600));
}
static void mq(int full) {
  struct mq_attr {
    long long values[8];
  } attr = {{0, 1, 8}};
  char text[32];
  snprintf(text, sizeof text, "blocked-%d", getpid());
  must("mq", ids[0] = (int)raw(mq_open, text, O_RDWR | O_CREAT, 0600, (void *)&attr));
  raw(mq_unlink, text);
  if (full) must("mq", raw(mq_timedsend, ids[0], "x", 1, 0, NULL));
}

static long long reads(void) { return raw(read, ends[0], page, 1); }
static long long readvs(void) {
  struct iovec piece = {page, 1};
  return raw(readv, ends[0], (void *)&piece, 1);
}
static long long writes(void) { return raw(write, ends[1], page, 4096); }
static long long writevs(void) {
  struct iovec piece = {page, 4096};
  return raw(writev, ends[1], (void *)&piece, 1);
}
static long long splices(void) {
  int to[2];
  must("pipe", raw(pipe2, to, 0));
  return splice(ends[0], NULL, to[1], NULL, 100, 0) < 0 ? -errno : 0;
}
static long long tees(void) {
  int to[2];
  must("pipe", raw(pipe2, to, 0));
  return tee(ends[0], to[1], 100, 0) < 0 ? -errno : 0;
}
static long long opens_fifo(void) { return raw(open, "fifo", O_RDONLY, 0); }
static long long opens_fifo_to_write(void) { return raw(openat, AT_FDCWD, "fifo", O_WRONLY, 0); }
static long long eventfds(void) {
  must("eventfd", ends[0] = (int)raw(eventfd2, 0, 0));
  return raw(read, ends[0], page, 8);
}
static long long timerfds(void) {
  must("timerfd", ends[0] = (int)raw(timerfd_create, CLOCK_MONOTONIC, 0));
  return raw(read, ends[0], page, 8);
}
static long long signalfds(void) {
  must("signalfd", ends[0] = (int)raw(signalfd4, -1, (void *)&other, 8, 0));
  return raw(read, ends[0], page, 128);
}
static long long inotifies(void) {
  must("inotify", ends[0] = (int)raw(inotify_init1, 0));
  return raw(read, ends[0], page, 4096);
}
static long long recvs(void) { return raw(recvfrom, ends[0], page, 1, 0, NULL, NULL); }
static long long recvmsgs(void) {
  struct iovec piece = {page, 1};
  struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
  return raw(recvmsg, ends[0], (uintptr_t)&header, 0);
}
static long long recvmmsgs(void) {
  struct iovec piece = {page, 1};
  struct mmsghdr header = {.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1}};
  return raw(recvmmsg, ends[0], (uintptr_t)&header, 1, 0, NULL);
}
static long long sends(void) { return raw(sendto, ends[0], page, 4096, 0, NULL, 0); }
static long long sendmsgs(void) {
  struct iovec piece = {page, 4096};
  struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
  return raw(sendmsg, ends[0], (uintptr_t)&header, 0);
}
static long long accepts(void) { return raw(accept, ends[0], NULL, NULL); }
static long long accepts4(void) { return raw(accept4, ends[0], NULL, NULL, 0); }
static long long connects(void) {
  // More than wait to be accepted.
  for (;;) {
    int fd = (int)must("socket", raw(socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    if (raw(connect, fd, (void *)&name, sizeof name) < 0) {
      raw(fcntl, fd, F_SETFL, 0);
      return raw(connect, fd, (void *)&name, sizeof name);
    }
  }
}
static long long polls(void) { return raw(poll, NULL, 0, -1); }
static long long polls_timed(void) { return raw(poll, NULL, 0, LONG * 1000); }
static long long ppolls(void) { return raw(ppoll, NULL, 0, NULL, NULL, 0); }
static long long ppolls_timed(void) {
  long long result = raw(ppoll, NULL, 0, some(), NULL, 8);
  left(until.tv_sec, until.tv_nsec);
  return result;
}
static long long ppolls_masked(void) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  long long result = raw(ppoll, NULL, 0, some(), (void *)&mask, 8);
  left(until.tv_sec, until.tv_nsec);
  return result;
}
static long long selects(void) { return raw(select, 0, NULL, NULL, NULL, NULL); }
static long long selects_timed(void) {
  long long result = raw(select, 0, NULL, NULL, NULL, some_us());
  left(until_us.tv_sec, until_us.tv_usec);
  return result;
}
static long long pselects(void) {
  long long result = raw(pselect6, 0, NULL, NULL, NULL, some(), NULL);
  left(until.tv_sec, until.tv_nsec);
  return result;
}
static void epolls(void) { must("epoll", ids[0] = (int)raw(epoll_create1, 0)); }
static long long epoll_waits(void) { return raw(epoll_wait, ids[0], (void *)page, 1, -1); }
static long long epoll_waits_timed(void) {
  return raw(epoll_wait, ids[0], (void *)page, 1, LONG * 1000);
}
static long long epoll_pwaits(void) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  return raw(epoll_pwait, ids[0], (void *)page, 1, -1, (void *)&mask, 8);
}
static long long epoll_pwaits2(void) {
  return raw(epoll_pwait2, ids[0], (void *)page, 1, some(), NULL, 0);
}
static long long wait4s(void) { return raw(wait4, ids[0], NULL, 0, NULL); }
static long long waitids(void) { return raw(waitid, P_PID, ids[0], NULL, WEXITED, NULL); }
static long long flocks(void) {
  must("flock", raw(flock, ends[0], LOCK_EX));
  return raw(flock, ends[1], LOCK_EX);
}
static long long ofd_locks(void) {
  struct flock lock = {.l_type = F_WRLCK, .l_len = 1};
  must("lock", raw(fcntl, ends[0], F_OFD_SETLK, (uintptr_t)&lock));
  return raw(fcntl, ends[1], F_OFD_SETLKW, (uintptr_t)&lock);
}
static long long locks(void) {
  struct flock lock = {.l_type = F_WRLCK, .l_len = 1};
  must("lock", raw(fcntl, ends[0], F_OFD_SETLK, (uintptr_t)&lock));
  return raw(fcntl, ends[1], F_SETLKW, (uintptr_t)&lock);
}
static long long futexes(int op, void *time, int bits) {
  return raw(futex, (void *)&word, op, 0, (uintptr_t)time, NULL, bits);
}
static long long futex(void) { return futexes(FUTEX_WAIT, NULL, 0); }
static long long futex_timed(void) { return futexes(FUTEX_WAIT | FUTEX_PRIVATE_FLAG, some(), 0); }
static long long futex_bitset(void) { return futexes(FUTEX_WAIT_BITSET, NULL, -1); }
static long long futex_bitset_timed(void) {
  return futexes(FUTEX_WAIT_BITSET, later(CLOCK_MONOTONIC), -1);
}
static void pi_owner(void) {
  ids[0] = attendant();
  if (ids[0] == 0) {
    must("lock", raw(futex, (void *)&shared->lock, FUTEX_LOCK_PI, 0, 0, NULL, 0));
    shared->checked = 2;
    for (;;) pause();
  }
  while (shared->checked != 2) raw(sched_yield);
}
static long long futex_pi(void) {
  return raw(futex, (void *)&shared->lock, FUTEX_LOCK_PI, 0, 0, NULL, 0);
}
static long long nanosleeps(void) {
  struct timespec rest = {0, 0};
  long long result = raw(nanosleep, some(), &rest);
  left(rest.tv_sec, rest.tv_nsec);
  return result;
}
static long long clock_nanosleeps(void) {
  struct timespec rest = {0, 0};
  long long result = raw(clock_nanosleep, CLOCK_MONOTONIC, 0, some(), &rest);
  left(rest.tv_sec, rest.tv_nsec);
  return result;
}
static long long clock_nanosleeps_until(void) {
  struct timespec rest = {0, 0};
  long long result = raw(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, later(CLOCK_REALTIME), &rest);
  left(rest.tv_sec, rest.tv_nsec);
  return result;
}
static long long pauses(void) { return raw(pause); }
static long long suspends(void) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  return raw(rt_sigsuspend, (void *)&mask, 8);
}
static long long timedwaits(void) { return raw(rt_sigtimedwait, (void *)&other, NULL, NULL, 8); }
static long long timedwaits_timed(void) {
  return raw(rt_sigtimedwait, (void *)&other, NULL, some(), 8);
}
static void queue(void) { must("msgget", ids[0] = (int)raw(msgget, IPC_PRIVATE, 0600)); }
static struct {
  long long type;
  char text[4096];
} message = {1, ""};
static long long msgrcvs(void) { return raw(msgrcv, ids[0], (void *)&message, 8, 0, 0); }
static long long msgsnds(void) {
  while (raw(msgsnd, ids[0], (void *)&message, 4096, IPC_NOWAIT) == 0) {}
  return raw(msgsnd, ids[0], (void *)&message, 4096, 0);
}
static void unqueue(void) { raw(msgctl, ids[0], IPC_RMID, 0); }
static void semaphores(void) { must("semget", ids[0] = (int)raw(semget, IPC_PRIVATE, 1, 0600)); }
static long long semops(void) {
  struct sembuf down = {0, -1, 0};
  return raw(semop, ids[0], &down, 1);
}
static long long semtimedops(void) {
  struct sembuf down = {0, -1, 0};
  return raw(semtimedop, ids[0], &down, 1, some());
}
static void unsemaphore(void) { raw(semctl, ids[0], 0, IPC_RMID, 0); }
static long long mq_receives(void) { return raw(mq_timedreceive, ids[0], page, 8, NULL, NULL); }
static long long mq_receives_timed(void) {
  return raw(mq_timedreceive, ids[0], page, 8, NULL, later(CLOCK_REALTIME));
}
static long long mq_sends(void) { return raw(mq_timedsend, ids[0], page, 1, 0, NULL); }
static void streams(void) { sockets(SOCK_STREAM, 0); }
static void timed_streams(void) { sockets(SOCK_STREAM, SO_RCVTIMEO); }
static void full_streams(void) { full_sockets(0); }
static void timed_full_streams(void) { full_sockets(SO_SNDTIMEO); }
static void listening(void) { listens(0); }
static void timed_listening(void) { listens(SO_RCVTIMEO); }
static void empty_mq(void) { mq(0); }
static void full_mq(void) { mq(1); }
static void nothing(void) {}
static void children(void) {
  if (ids[0] > 0) kill(ids[0], SIGKILL);
}


// The queue or semaphore is the parent's, who removes it.
static const struct {
  const char *name;
  void (*prepare)(void);
  long long (*call)(void);
  void (*early)(void), (*late)(void);
} calls[] = {
    {"read pipe", p, reads, nothing, nothing},
    {"readv pipe", p, readvs, nothing, nothing},
    {"write pipe", full, writes, nothing, nothing},
    {"writev pipe", full, writevs, nothing, nothing},
    {"splice", p, splices, nothing, nothing},
    {"tee", p, tees, nothing, nothing},
    {"read terminal", terminal, reads, nothing, nothing},
    {"open fifo", fifo, opens_fifo, nothing, nothing},
    {"openat fifo", fifo, opens_fifo_to_write, nothing, nothing},
    {"read eventfd", nothing, eventfds, nothing, nothing},
    {"read timerfd", nothing, timerfds, nothing, nothing},
    {"read signalfd", nothing, signalfds, nothing, nothing},
    {"read inotify", nothing, inotifies, nothing, nothing},
    {"read socket", streams, reads, nothing, nothing},
    {"read socket, timed", timed_streams, reads, nothing, nothing},
    {"readv socket, timed", timed_streams, readvs, nothing, nothing},
    {"recvfrom", streams, recvs, nothing, nothing},
    {"recvfrom, timed", timed_streams, recvs, nothing, nothing},
    {"recvmsg", streams, recvmsgs, nothing, nothing},
    {"recvmsg, timed", timed_streams, recvmsgs, nothing, nothing},
    {"recvmmsg", streams, recvmmsgs, nothing, nothing},
    {"recvmmsg, timed", timed_streams, recvmmsgs, nothing, nothing},
    {"sendto", full_streams, sends, nothing, nothing},
    {"sendto, timed", timed_full_streams, sends, nothing, nothing},
    {"sendmsg", full_streams, sendmsgs, nothing, nothing},
    {"sendmsg, timed", timed_full_streams, sendmsgs, nothing, nothing},
    {"accept", listening, accepts, nothing, nothing},
    {"accept, timed", timed_listening, accepts, nothing, nothing},
    {"accept4", listening, accepts4, nothing, nothing},
    {"connect", listening, connects, nothing, nothing},
    {"poll", nothing, polls, nothing, nothing},
    {"poll, timed", nothing, polls_timed, nothing, nothing},
    {"ppoll", nothing, ppolls, nothing, nothing},
    {"ppoll, timed", nothing, ppolls_timed, nothing, nothing},
    {"ppoll, masked", nothing, ppolls_masked, nothing, nothing},
    {"select", nothing, selects, nothing, nothing},
    {"select, timed", nothing, selects_timed, nothing, nothing},
    {"pselect6", nothing, pselects, nothing, nothing},
    {"epoll_wait", epolls, epoll_waits, nothing, nothing},
    {"epoll_wait, timed", epolls, epoll_waits_timed, nothing, nothing},
    {"epoll_pwait", epolls, epoll_pwaits, nothing, nothing},
    {"epoll_pwait2", epolls, epoll_pwaits2, nothing, nothing},
    {"wait4", nothing, wait4s, sleeper, nothing},
    {"waitid", nothing, waitids, sleeper, nothing},
    {"flock", two_locks, flocks, nothing, nothing},
    {"F_SETLKW", two_locks, locks, nothing, nothing},
    {"F_OFD_SETLKW", two_locks, ofd_locks, nothing, nothing},
    {"futex", nothing, futex, nothing, nothing},
    {"futex, timed", nothing, futex_timed, nothing, nothing},
    {"futex bitset", nothing, futex_bitset, nothing, nothing},
    {"futex bitset, timed", nothing, futex_bitset_timed, nothing, nothing},
    {"futex pi", nothing, futex_pi, pi_owner, nothing},
    {"nanosleep", nothing, nanosleeps, nothing, nothing},
    {"clock_nanosleep", nothing, clock_nanosleeps, nothing, nothing},
    {"clock_nanosleep until", nothing, clock_nanosleeps_until, nothing, nothing},
    {"pause", nothing, pauses, nothing, nothing},
    {"sigsuspend", nothing, suspends, nothing, nothing},
    {"sigtimedwait", nothing, timedwaits, nothing, nothing},
    {"sigtimedwait, timed", nothing, timedwaits_timed, nothing, nothing},
    {"msgrcv", nothing, msgrcvs, queue, unqueue},
    {"msgsnd", nothing, msgsnds, queue, unqueue},
    {"semop", nothing, semops, semaphores, unsemaphore},
    {"semtimedop", nothing, semtimedops, semaphores, unsemaphore},
    {"mq_timedreceive", empty_mq, mq_receives, nothing, nothing},
    {"mq_timedreceive, timed", empty_mq, mq_receives_timed, nothing, nothing},
    {"mq_timedsend", full_mq, mq_sends, nothing, nothing},
};

static void handler(int signal) { (void)signal, shared->handled++; }

// R, S, Z: whether the process runs, sleeps, is dead.
static char state(pid_t pid) {
  char path[64], text[256];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  char *end = strrchr(text, ')');
  return end ? end[2] : 0;
}
static void brief(void) {
  struct timespec time = {0, 100000};
  while (nanosleep(&time, &time) != 0) {}
}
// The machine's own number of the call that a process sleeps in, or -1. An emulator's program
// has other numbers.
static int sleeps_in(pid_t pid) {
  char path[64], text[32];
  snprintf(path, sizeof path, "/proc/%d/syscall", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  // Otherwise "running", or "-1" outside of calls.
  return text[0] >= '0' && text[0] <= '9' ? atoi(text) : -1;
}
// The number of what locks sleep in: a runtime and an emulator have locks of their own, whose
// sleep is not the child's.
static int lock_number;
static void find_lock_number(void) {
  pid_t child = attendant();
  if (child == 0) {
    shared->begins = 1;
    for (;;) raw(futex, (void *)&shared->lock, FUTEX_WAIT, 0, 0, NULL, 0);
  }
  while (!shared->begins) brief();
  while ((lock_number = sleeps_in(child)) < 0) brief();
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}
// Until the child sleeps, in its call or behind it. Where the call is itself what locks sleep
// in, it is seen to stay there.
static void until_asleep(pid_t pid, int locks) {
  for (int seen = 0; seen < (locks ? 50 : 1); brief()) {
    char now = state(pid);
    if (now == 'Z') return;
    // Who is being woken is in its call still, but does not sleep.
    int number = now == 'S' ? sleeps_in(pid) : -1;
    if (number < 0)
      seen = 0;
    else if (number != lock_number)
      return;
    else if (locks)
      seen++;
  }
}
// Until the child has come that far; whether it has. Who waits ten seconds waits in vain.
static int comes(pid_t pid, volatile int *there) {
  struct timespec first, now;
  clock_gettime(CLOCK_MONOTONIC, &first);
  while (!*there) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (state(pid) == 'Z' || now.tv_sec > first.tv_sec + 10) return *there;
    brief();
  }
  return 1;
}

static void child_main(int i, const char *how, int signal) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = strcmp(how, "ignored") == 0 ? SIG_IGN : handler;
  action.sa_flags = strcmp(how, "restarting") == 0 ? SA_RESTART : 0;
  if (strcmp(how, "stopped") != 0 && strcmp(how, "default") != 0) sigaction(signal, &action, NULL);
  sigset_t mask = other;
  if (strcmp(how, "blocked") == 0) sigaddset(&mask, signal);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  calls[i].prepare();
  shared->begins = 1;
  shared->result = calls[i].call();
  shared->ended = 1;
  for (;;) pause();
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  const char *how = argv[1];
  int signal = atoi(argv[2]);
  sigemptyset(&none), sigemptyset(&other);
  sigaddset(&other, SIGUSR2);
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

  find_lock_number();
  for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (argc > 3 && strcmp(argv[3], calls[i].name) != 0) continue;
    memset((void *)shared, 0, sizeof *shared);
    memset(ids, 0, sizeof ids);
    fflush(stdout);
    // Children of the child's that it waits for are made by itself.
    int own = calls[i].early == sleeper;
    int locks = strncmp(calls[i].name, "futex", 5) == 0;
    if (!own) calls[i].early();
    pid_t child = attendant();
    if (child == 0) {
      if (own) calls[i].early();
      child_main((int)i, how, signal);
    }
    int status, begins = comes(child, &shared->begins);
    const char *what = "";
    if (begins) until_asleep(child, locks);
    if (!begins) {
      what = ", not made";
    } else if (strcmp(how, "stopped") == 0) {
      kill(child, signal);
      waitpid(child, &status, WUNTRACED);
      kill(child, SIGCONT);
      waitpid(child, &status, WCONTINUED);
      until_asleep(child, locks);
    } else {
      kill(child, signal);
      // The handler has run before it sleeps again.
      int handles = strcmp(how, "handler") == 0 || strcmp(how, "restarting") == 0;
      if (handles && !comes(child, &shared->handled)) what = ", without the handler";
      if (!handles) brief();
      until_asleep(child, locks);
    }
    if (shared->handled > 1) what = ", more than once";
    if (shared->ended)
      printf("%s: %s%s%s\n", calls[i].name, outcome(shared->result), what,
             shared->checked == 1 ? ", with what was left" : "");
    else
      printf("%s: still waits%s\n", calls[i].name, what);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    if (calls[i].early == pi_owner)
      children(), waitpid(ids[0], &status, 0);
    calls[i].late();
  }
  return 0;
}
