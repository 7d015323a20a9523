// Signals at random instants around calls that block: none is lost. The handler does what the
// call waits for, and only the handler does; so a call that goes to sleep although its signal
// has come sleeps for ever, and the test ends by its limit of time.
//
// Arguments: what waits, who sends (a timer of this process's, another process, or another thread),
// how often.
// Many more times than in the cases can be had by hand.
//
// cases:
//   read: { args: [read, timer, "1500"] }
//   read_process: { args: [read, process, "1500"] }
//   write: { args: [write, timer, "1500"] }
//   poll: { args: [poll, timer, "1500"] }
//   ppoll: { args: [ppoll, timer, "1500"] }
//   ppoll_process: { args: [ppoll, process, "1500"] }
//   select: { args: [select, timer, "1500"] }
//   pselect6: { args: [pselect6, timer, "1500"] }
//   epoll_pwait: { args: [epoll_pwait, timer, "1500"] }
//   epoll_pwait2: { args: [epoll_pwait2, process, "1500"] }
//   sigsuspend: { args: [sigsuspend, timer, "1500"] }
//   sigsuspend_process: { args: [sigsuspend, process, "1500"] }
//   sigtimedwait: { args: [sigtimedwait, timer, "1500"] }
//   futex: { args: [futex, timer, "1500"] }
//   futex_process: { args: [futex, process, "1500"] }
//   futex_bitset: { args: [futex_bitset, timer, "1500"] }
//   futex_waitv: { args: [futex_waitv, timer, "1500"] }
//   wait32: { args: [wait32, timer, "1500"] }
//   wait32_process: { args: [wait32, process, "1500"] }
//   wait64: { args: [wait64, timer, "1500"] }
//   accept: { args: [accept, timer, "1500"] }
//   recvmsg: { args: [recvmsg, timer, "1500"] }
//   recvmmsg: { args: [recvmmsg, timer, "1500"] }
//   sendto: { args: [sendto, timer, "1500"] }
//   wait4: { args: [wait4, timer, "100"] }
//   waitid: { args: [waitid, process, "100"] }
//   flock: { args: [flock, timer, "1500"] }
//   ofd_setlkw: { args: [ofd_setlkw, timer, "1500"] }
//   msgrcv: { args: [msgrcv, timer, "1500"] }
//   msgsnd: { args: [msgsnd, timer, "1500"] }
//   mq_timedreceive: { args: [mq_timedreceive, timer, "1500"] }
//   semop: { args: [semop, timer, "1500"] }
//   eventfd: { args: [eventfd, timer, "1500"] }
//   fifo: { args: [fifo, timer, "300"] }
//   loop: { args: [loop, timer, "1500"] }
//   loop_process: { args: [loop, process, "100"] }
//   read_thread: { args: [read, thread, "1500"] }
//   futex_thread: { args: [futex, thread, "1500"] }
//   wait32_thread: { args: [wait32, thread, "1500"] }
//   sigsuspend_thread: { args: [sigsuspend, thread, "1500"] }
//   epoll_pwait_thread: { args: [epoll_pwait, thread, "1500"] }
//   accept_thread: { args: [accept, thread, "1500"] }
//   loop_thread: { args: [loop, thread, "100"] }
//   nanosleep: { args: [nanosleep, process, "300"] }
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"
#ifndef __wasm__
#include <linux/futex.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#endif

#define PRIVATE FUTEX_PRIVATE_FLAG

static volatile int handled, interrupted;
static int ends[2], pair[2], fds[2], id;
static struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
static volatile pid_t child;
static volatile unsigned word;
static volatile unsigned long long word64;
static sigset_t none, alarm_set;
static struct {
  long long type;
  char text[8];
} message = {1, "message"};

static void die_of(const char *what, long long result) {
  printf("%s: %s\n", what, outcome(result));
  exit(1);
}
static void must(const char *what, long long result) {
  if (result < 0) die_of(what, result);
}

// What waits, what ends the wait, and what is made before.
static char full[4096];
static void none_needed(void) {}
static void pipes(void) { must("pipe", raw(pipe2, ends, 0)); }
static void full_pipe(void) {
  must("pipe", raw(pipe2, ends, 0));
  must("fcntl", raw(fcntl, ends[1], F_SETPIPE_SZ, 4096));
  must("write", write(ends[1], full, 4096));
}
static void writes(void) { must("write", write(ends[1], "x", 1)); }
static long long reads(void) {
  char byte;
  return raw(read, ends[0], &byte, 1);
}
static void drains(void) { must("read", read(ends[0], full, 4096)); }
static long long fills(void) { return raw(write, ends[1], full, 4096); }
static long long polls(void) {
  struct pollfd fd = {.fd = ends[0], .events = POLLIN};
  long long result = raw(poll, &fd, 1, -1);
  return result < 0 ? result : reads();
}
static long long selects(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  long long result = raw(select, ends[0] + 1, &set, NULL, NULL, NULL);
  return result < 0 ? result : reads();
}
// Calls that wait under a mask: the signal is blocked but there.
static int last;
static void blocks(void) { must("mask", sigprocmask(SIG_BLOCK, &alarm_set, NULL)); }
static void epolls(void) {
  blocks();
  must("epoll", id = (int)raw(epoll_create1, 0));
}
static long long interrupted_once(long long result) {
  if (result != -EINTR) die_of("under a mask", result);
  if (handled != last + 1) printf("%d handlers instead of one\n", handled - last);
  last = handled;
  return 0;
}
static long long ppolls(void) {
  return interrupted_once(raw(ppoll, NULL, 0ull, NULL, (void *)&none, 8));
}
static long long pselects(void) {
  struct {
    unsigned long long at, size;
  } mask = {(uintptr_t)&none, 8};
  return interrupted_once(raw(pselect6, 0, NULL, NULL, NULL, NULL, (void *)&mask));
}
static long long epoll_pwaits(void) {
  struct epoll_event event;
  return interrupted_once(raw(epoll_pwait, id, (void *)&event, 1, -1, (void *)&none, 8));
}
static long long epoll_pwaits2(void) {
  struct epoll_event event;
  return interrupted_once(raw(epoll_pwait2, id, (void *)&event, 1, NULL, (void *)&none, 8));
}
static long long suspends(void) { return interrupted_once(raw(rt_sigsuspend, (void *)&none, 8)); }
// A second signal that the handler sends is the one that is waited for.
static void blocks_other(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, NULL);
}
static void sends_other(void) { must("kill", kill(getpid(), SIGUSR2)); }
static long long timedwaits(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  return raw(rt_sigtimedwait, (void *)&set, NULL, NULL, 8);
}
// Words of memory.
static void sets(void) { word = 1, word64 = 1ull << 40; }
static long long word_result(long long result) {
  // Changed before the kernel looked, or while it slept.
  if (result == -EAGAIN || (result == -EINTR && word)) result = 0;
  if (result == 0 && !word) die_of("woken by nobody", result);
  if (result == 0) word = 0, word64 = 0;
  return result;
}
static long long futexes(void) {
  return word_result(raw(futex, (void *)&word, FUTEX_WAIT | PRIVATE, 0, 0, NULL, 0));
}
static long long futex_bitsets(void) {
  return word_result(raw(futex, (void *)&word, FUTEX_WAIT_BITSET, 0, 0, NULL, -1));
}
static long long futex_waitvs(void) {
  struct futex_waitv waiter = {.uaddr = (uintptr_t)&word, .flags = 2};
#ifdef __wasm__
  return word_result(raw(futex_waitv, &waiter, 1, 0, NULL, 0));
#else
  return word_result(raw_result(syscall(449, &waiter, 1, 0, NULL, 0)));
#endif
}
#ifdef __wasm__
static long long wait32(void) {
  int result = __builtin_wasm_memory_atomic_wait32((int *)&word, 0, -1);
  return word_result(result == 1 ? 0 : -EINVAL);
}
static long long wait64(void) {
  int result = __builtin_wasm_memory_atomic_wait64((long long *)&word64, 0, -1);
  // It does not look again at the word until somebody notifies.
  return word_result(result <= 1 ? 0 : -EINVAL);
}
static void sets_and_notifies(void) {
  sets();
  __builtin_wasm_memory_atomic_notify((int *)&word, 1);
  __builtin_wasm_memory_atomic_notify((int *)&word64, 1);
}
#else
#define wait32 futexes
#define wait64 futexes
#define sets_and_notifies sets
#endif
// Sockets.
static void listens(void) {
  must("socket", fds[0] = (int)raw(socket, AF_UNIX, SOCK_STREAM, 0));
  must("bind", raw(bind, fds[0], (void *)&name, sizeof name));
  must("listen", raw(listen, fds[0], 5));
}
static void connects(void) {
  must("socket", fds[1] = (int)raw(socket, AF_UNIX, SOCK_STREAM, 0));
  must("connect", raw(connect, fds[1], (void *)&name, sizeof name));
}
static long long accepts(void) {
  long long result = raw(accept, fds[0], NULL, NULL);
  if (result >= 0) close((int)result), close(fds[1]);
  return result;
}
static void sockets(void) { must("socketpair", raw(socketpair, AF_UNIX, SOCK_DGRAM, 0, pair)); }
static void sends(void) { must("send", raw(sendto, pair[1], "x", 1, MSG_DONTWAIT, NULL, 0)); }
static long long receives(void) {
  char byte;
  struct iovec piece = {&byte, 1};
  struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
  return raw(recvmsg, pair[0], (uintptr_t)&header, 0);
}
static long long receives_many(void) {
  char byte;
  struct iovec piece = {&byte, 1};
  struct mmsghdr header = {.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1}};
  return raw(recvmmsg, pair[0], (uintptr_t)&header, 1, 0, NULL);
}
static void full_sockets(void) {
  sockets();
  while (raw(sendto, pair[1], "x", 1, MSG_DONTWAIT, NULL, 0) > 0) {}
}
static void receives_one(void) {
  char byte;
  must("recv", raw(recvfrom, pair[0], &byte, 1, MSG_DONTWAIT, NULL, NULL));
}
static long long sends_to_full(void) { return raw(sendto, pair[1], "x", 1, 0, NULL, 0); }
// Children, who pause until they are killed.
static pid_t attendant(void) {
  pid_t parent = getpid(), made = fork();
  if (made == 0) {
    // Whatever becomes of the test, it does not stay.
    raw(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) _exit(0);
  }
  return made;
}
static void forks(void) {
  child = attendant();
  if (child == 0)
    for (;;) pause();
}
static void kills(void) {
  if (child) must("kill", kill(child, SIGKILL));
}
static long long wait4s(void) {
  int status;
  long long result = raw(wait4, child, &status, 0, NULL);
  if (result > 0) forks();
  return result;
}
static long long waitids(void) {
  siginfo_t info;
  long long result = raw(waitid, P_PID, child, (void *)&info, WEXITED, NULL);
  if (result >= 0) forks();
  return result;
}
static void kills_last(void) {
  int status;
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
}
// Locks, between descriptions of the same file.
static void locks(void) {
  for (int i = 0; i < 2; i++) must("open", fds[i] = open("lock", O_RDWR | O_CREAT, 0600));
}
static void unlocks(void) { must("unlock", raw(flock, fds[0], LOCK_UN)); }
static long long flocks(void) {
  // Whoever holds it is the one that will be asked.
  long long result = raw(flock, fds[1], LOCK_EX);
  if (result < 0) return result;
  int other = fds[0];
  fds[0] = fds[1], fds[1] = other;
  return result;
}
static void ofd_locks(int type, int fd, const char *what) {
  struct flock lock = {.l_type = (short)type, .l_len = 1};
  must(what, raw(fcntl, fd, F_OFD_SETLK, (uintptr_t)&lock));
}
static void ofd_unlocks(void) { ofd_locks(F_UNLCK, fds[0], "unlock"); }
static long long ofd_setlkws(void) {
  struct flock lock = {.l_type = F_WRLCK, .l_len = 1};
  long long result = raw(fcntl, fds[1], F_OFD_SETLKW, (uintptr_t)&lock);
  if (result < 0) return result;
  int other = fds[0];
  fds[0] = fds[1], fds[1] = other;
  return result;
}
static void flock_first(void) { locks(), must("lock", raw(flock, fds[0], LOCK_EX)); }
static void ofd_first(void) { locks(), ofd_locks(F_WRLCK, fds[0], "lock"); }
// System V and POSIX queues and semaphores.
static void queue(void) { must("msgget", id = (int)raw(msgget, IPC_PRIVATE, 0600)); }
static void msgsnds(void) { must("msgsnd", raw(msgsnd, id, (void *)&message, 8, IPC_NOWAIT)); }
static long long msgrcvs(void) {
  typeof(message) got;
  return raw(msgrcv, id, (void *)&got, 8, 0, 0);
}
static void full_queue(void) {
  queue();
  while (raw(msgsnd, id, (void *)&message, 8, IPC_NOWAIT) == 0) {}
}
static void msgrcv_one(void) {
  typeof(message) got;
  must("msgrcv", raw(msgrcv, id, (void *)&got, 8, 0, IPC_NOWAIT));
}
static long long msgsnd_full(void) { return raw(msgsnd, id, (void *)&message, 8, 0); }
static void no_queue(void) { raw(msgctl, id, IPC_RMID, 0); }
static char mq_name[32];
static void mq(void) {
  struct mq_attr {
    long long values[8];
  } attr = {{0, 4, 8}};
  snprintf(mq_name, sizeof mq_name, "wakeups-%d", getpid());
  must("mq_open", id = (int)raw(mq_open, mq_name, O_RDWR | O_CREAT, 0600, (void *)&attr));
}
static void mq_sends(void) { must("mq", raw(mq_timedsend, id, "x", 1, 0, NULL)); }
static long long mq_receives(void) {
  char text[8];
  return raw(mq_timedreceive, id, text, 8, NULL, NULL);
}
static void no_mq(void) { raw(mq_unlink, mq_name); }
static void semaphore(void) { must("semget", id = (int)raw(semget, IPC_PRIVATE, 1, 0600)); }
static void semops_up(void) {
  struct sembuf up = {0, 1, 0};
  must("semop", raw(semop, id, &up, 1));
}
static long long semops(void) {
  struct sembuf down = {0, -1, 0};
  return raw(semop, id, &down, 1);
}
static void no_semaphore(void) { raw(semctl, id, 0, IPC_RMID, 0); }
static void event(void) { must("eventfd", ends[0] = ends[1] = (int)raw(eventfd2, 0, 0)); }
static void event_writes(void) {
  unsigned long long one = 1;
  must("write", write(ends[1], &one, 8));
}
static long long event_reads(void) {
  unsigned long long value;
  return raw(read, ends[0], &value, 8);
}
static void fifo(void) { must("mkfifo", raw(mknodat, AT_FDCWD, "fifo", S_IFIFO | 0600, 0)); }
static void fifo_opens(void) { fds[1] = open("fifo", O_RDWR | O_NONBLOCK); }
static long long fifo_open(void) {
  long long result = raw(open, "fifo", O_RDONLY, 0);
  if (result >= 0) close((int)result), close(fds[1]);
  return result;
}
// No call at all.
static long long loops(void) {
  for (volatile unsigned turns = 0; !word; turns++) {}
  word = 0;
  return 0;
}
// The only one that may sleep although its signal has come, since nothing tells it.
static long long sleeps(void) {
  struct timespec some = {0, 20000000}, left = {0, 0};
  long long result = raw(nanosleep, &some, &left);
  if (result == -EINTR && (handled == last || left.tv_nsec <= 0)) die_of("nanosleep", result);
  while (handled == last) raw(sched_yield);
  last = handled;
  return 0;
}

static const struct {
  const char *name;
  void (*prepare)(void);
  long long (*wait)(void);
  void (*end)(void);
  void (*after)(void);
  // Whether it is never restarted.
  int ends;
} waits[] = {
    {"read", pipes, reads, writes, none_needed, 0},
    {"write", full_pipe, fills, drains, none_needed, 0},
    {"poll", pipes, polls, writes, none_needed, 1},
    {"select", pipes, selects, writes, none_needed, 1},
    {"ppoll", blocks, ppolls, none_needed, none_needed, 1},
    {"pselect6", blocks, pselects, none_needed, none_needed, 1},
    {"epoll_pwait", epolls, epoll_pwaits, none_needed, none_needed, 1},
    {"epoll_pwait2", epolls, epoll_pwaits2, none_needed, none_needed, 1},
    {"sigsuspend", blocks, suspends, none_needed, none_needed, 1},
    {"sigtimedwait", blocks_other, timedwaits, sends_other, none_needed, 1},
    {"futex", none_needed, futexes, sets, none_needed, 0},
    {"futex_bitset", none_needed, futex_bitsets, sets, none_needed, 0},
    {"futex_waitv", none_needed, futex_waitvs, sets, none_needed, 1},
    {"wait32", none_needed, wait32, sets_and_notifies, none_needed, 0},
    {"wait64", none_needed, wait64, sets_and_notifies, none_needed, 0},
    {"accept", listens, accepts, connects, none_needed, 0},
    {"recvmsg", sockets, receives, sends, none_needed, 0},
    {"recvmmsg", sockets, receives_many, sends, none_needed, 0},
    {"sendto", full_sockets, sends_to_full, receives_one, none_needed, 0},
    {"wait4", forks, wait4s, kills, kills_last, 0},
    {"waitid", forks, waitids, kills, kills_last, 0},
    {"flock", flock_first, flocks, unlocks, none_needed, 0},
    {"ofd_setlkw", ofd_first, ofd_setlkws, ofd_unlocks, none_needed, 0},
    {"msgrcv", queue, msgrcvs, msgsnds, no_queue, 1},
    {"msgsnd", full_queue, msgsnd_full, msgrcv_one, no_queue, 1},
    {"mq_timedreceive", mq, mq_receives, mq_sends, no_mq, 0},
    {"semop", semaphore, semops, semops_up, no_semaphore, 1},
    {"eventfd", event, event_reads, event_writes, none_needed, 0},
    {"fifo", fifo, fifo_open, fifo_opens, none_needed, 0},
    {"loop", none_needed, loops, sets, none_needed, 1},
    {"nanosleep", none_needed, sleeps, none_needed, none_needed, 1},
};
static unsigned which;

static void handler(int signal) {
  (void)signal;
  handled++;
  waits[which].end();
}

static void install(int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  must("sigaction", sigaction(SIGALRM, &action, NULL));
}

static _Thread_local unsigned long long seed = 88172645463325252ull;
static unsigned chance(unsigned below) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return (unsigned)(seed >> 20) % below;
}

// Who sends. The other process sends when the shared word changes, after a while.
static int timer = -1;
static volatile int *turn;
static pid_t sender;
static void start_process(void) {
  turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t target = getpid();
  sender = attendant();
  if (sender != 0) return;
  for (int seen = 0;; seen++) {
    for (int spins = 0; *turn == seen; spins++)
      if (spins > 50) raw(sched_yield);
    for (volatile int spins = (int)chance(1 << chance(10)); spins > 0; spins--) {}
    if (kill(target, SIGALRM) != 0) _exit(0);
  }
}
static pthread_t other;
static pid_t target;
static void *sends_signals(void *unused) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  for (int seen = 0;; seen++) {
    for (int spins = 0; *turn == seen; spins++)
      if (spins > 50) raw(sched_yield);
    if (*turn < 0) return unused;
    for (volatile int spins = (int)chance(1 << chance(10)); spins > 0; spins--) {}
    must("tgkill", raw(tgkill, getpid(), target, SIGALRM));
  }
}
static void start_thread(void) {
  static volatile int here;
  turn = &here;
  target = gettid();
  if (pthread_create(&other, NULL, sends_signals, NULL) != 0) die_of("pthread_create", 0);
}
static void send_soon(void) {
  if (turn) {
    ++*turn;
    return;
  }
  struct itimerspec soon = {.it_value = {0, 1 + chance(1 << (4 + chance(13)))}};
  must("timer_settime", raw(timer_settime, timer, 0, &soon, NULL));
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  while (strcmp(waits[which].name, argv[1]) != 0)
    if (++which == sizeof waits / sizeof *waits) return 2;
  int times = atoi(argv[3]);
  sigemptyset(&none), sigemptyset(&alarm_set);
  sigaddset(&alarm_set, SIGALRM);
  fflush(stdout);
  int threads = strcmp(argv[2], "thread") == 0;
  if (threads)
    start_thread();
  else if (strcmp(argv[2], "process") == 0)
    start_process();
  else
    must("timer_create", raw(timer_create, CLOCK_MONOTONIC, NULL, &timer));
  waits[which].prepare();
  for (int i = 0; i < times; i++) {
    int flags = chance(2) ? SA_RESTART : 0;
    install(flags);
    send_soon();
    long long result;
    while ((result = waits[which].wait()) == -EINTR)
      if (flags && !waits[which].ends) interrupted++;
    if (result < 0) die_of(argv[1], result);
    if (handled != i + 1) printf("%d handlers at the end of turn %d\n", handled, i + 1);
  }
  if (sender) {
    int status;
    kill(sender, SIGKILL);
    while (waitpid(sender, &status, 0) != sender) {}
  }
  if (threads) {
    *turn = -1;
    pthread_join(other, NULL);
  }
  waits[which].after();
  printf("%s: %d times, ended although to be restarted: %d\n", argv[1], handled, interrupted);
  return 0;
}
