// Signals and processes: the kernel's calls under their C names.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define INT(call) (int)__result(wali_sys_##call)
#define SET_BYTES 8

int sigaction(int signal, const struct sigaction *action, struct sigaction *old) {
  struct k_sigaction new, before;
  if (action) {
    new.sa_handler = (unsigned)(uintptr_t)action->sa_handler;
    new.sa_flags = (unsigned long long)(long long)action->sa_flags | SA_RESTORER;
    new.sa_restorer = 0;
    new.sa_mask = action->sa_mask.bits[0];
  }
  int result = INT(rt_sigaction(signal, action ? &new : NULL, old ? &before : NULL, SET_BYTES));
  if (result == 0 && old) {
    memset(old, 0, sizeof *old);
    old->sa_handler = (void (*)(int))(uintptr_t)before.sa_handler;
    old->sa_flags = (int)(before.sa_flags & ~(unsigned long long)SA_RESTORER);
    old->sa_mask.bits[0] = before.sa_mask;
  }
  return result;
}
void (*signal(int signal, void (*handler)(int)))(int) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
  return sigaction(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}
int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
  if (old) memset(old, 0, sizeof *old);
  return INT(rt_sigprocmask(how, (void *)set, (void *)old, SET_BYTES));
}
int sigpending(sigset_t *set) {
  memset(set, 0, sizeof *set);
  return INT(rt_sigpending(set, SET_BYTES));
}
int sigsuspend(const sigset_t *mask) { return INT(rt_sigsuspend((void *)mask, SET_BYTES)); }
int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout) {
  return INT(rt_sigtimedwait((void *)set, (void *)info, timeout, SET_BYTES));
}
int sigwait(const sigset_t *set, int *signal) {
  int got = sigtimedwait(set, NULL, NULL);
  if (got < 0) return errno;
  *signal = got;
  return 0;
}
int sigqueue(pid_t pid, int signal, const union sigval value) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_int = (unsigned)value.sival_int;
  return INT(rt_sigqueueinfo(pid, signal, (void *)&info));
}
int sigaltstack(const stack_t *stack, stack_t *old) {
  return INT(sigaltstack((void *)stack, (void *)old));
}
int kill(pid_t pid, int signal) { return INT(kill(pid, signal)); }
int raise(int signal) { return INT(tkill(gettid(), signal)); }
int pause(void) { return INT(pause()); }
unsigned alarm(unsigned seconds) { return (unsigned)wali_sys_alarm(seconds); }
int setitimer(int which, const struct itimerval *value, struct itimerval *old) {
  return INT(setitimer(which, value, old));
}

int sigemptyset(sigset_t *set) { return memset(set, 0, sizeof *set), 0; }
int sigfillset(sigset_t *set) { return memset(set, 0xff, sizeof *set), 0; }
static int change(sigset_t *set, int signal, int in) {
  if (signal < 1 || signal > SIGRTMAX) return (int)__result(-EINVAL);
  unsigned long long bit = 1ull << (signal - 1);
  set->bits[0] = in ? set->bits[0] | bit : set->bits[0] & ~bit;
  return 0;
}
int sigaddset(sigset_t *set, int signal) { return change(set, signal, 1); }
int sigdelset(sigset_t *set, int signal) { return change(set, signal, 0); }
int sigismember(const sigset_t *set, int signal) { return set->bits[0] >> (signal - 1) & 1; }

pid_t wait4(pid_t pid, int *status, int options, struct rusage *used) {
  return INT(wait4(pid, status, options, used));
}
pid_t waitpid(pid_t pid, int *status, int options) { return wait4(pid, status, options, NULL); }
pid_t wait(int *status) { return waitpid(-1, status, 0); }
int waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
  return INT(waitid(type, (pid_t)id, (void *)info, options, NULL));
}
int execve(const char *path, char *const argv[], char *const envp[]) {
  return INT(execve(path, (unsigned)(uintptr_t)argv, (unsigned)(uintptr_t)envp));
}
int execv(const char *path, char *const argv[]) { return execve(path, argv, environ); }
