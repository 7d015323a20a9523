#pragma once
#include <sys/types.h>
#include <wali.h>

#define SIGRTMAX 64
#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))-2)
#define SIG_ERR ((void (*)(int))-1)

typedef struct {
  unsigned long long bits[16];
} sigset_t;

typedef union {
  int sival_int;
  void *sival_ptr;
} sigval_t;
union sigval {
  int sival_int;
  void *sival_ptr;
};

typedef struct {
  int si_signo, si_errno, si_code;
  union {
    struct siginfo_kill kill;
    struct siginfo_timer timer;
    struct siginfo_queue queue;
    struct siginfo_child child;
    struct siginfo_fault fault;
    struct siginfo_poll poll;
    struct siginfo_sys sys;
    unsigned long long all[14];
  } fields;
} siginfo_t;
#define si_pid fields.kill._pid
#define si_uid fields.kill._uid
#define si_status fields.child._status
#define si_int fields.queue._sigval
#define si_addr fields.fault._addr
#define si_timerid fields.timer._tid
#define si_band fields.poll._band
#define si_fd fields.poll._fd

struct sigaction {
  union {
    void (*sa_handler)(int);
    void (*sa_sigaction)(int, siginfo_t *, void *);
  };
  sigset_t sa_mask;
  int sa_flags;
};

typedef struct {
  void *ss_sp;
  int ss_flags;
  size_t ss_size;
} stack_t;

typedef struct {
  unsigned long long uc_flags;
  void *uc_link;
  stack_t uc_stack;
  unsigned long long uc_mcontext[32];
  sigset_t uc_sigmask;
  unsigned long long spare[64];
} ucontext_t;

int sigaction(int signal, const struct sigaction *action, struct sigaction *old);
void (*signal(int signal, void (*handler)(int)))(int);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int sigpending(sigset_t *set);
int sigsuspend(const sigset_t *mask);
int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
int sigwait(const sigset_t *set, int *signal);
int sigqueue(pid_t pid, int signal, const union sigval value);
int sigaltstack(const stack_t *stack, stack_t *old);
int kill(pid_t pid, int signal);
int raise(int signal);
int sigemptyset(sigset_t *set);
int sigfillset(sigset_t *set);
int sigaddset(sigset_t *set, int signal);
int sigdelset(sigset_t *set, int signal);
int sigismember(const sigset_t *set, int signal);
