// What the test programs share. The same source is compiled natively and for Wasm, so
// everything printed must be the same in both worlds: no addresses, times or ids.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __wasm__
#include <wali.h>
// A raw system call, as -errno or the result, past libc.
#define raw(name, ...) (wali_sys_##name(__VA_ARGS__))
#else
#include <sys/syscall.h>
#define raw(name, ...) raw_result(syscall(SYS_##name, ##__VA_ARGS__))
static inline long long raw_result(long long r) { return r == -1 ? -errno : r; }
#ifndef SYS_poll
#include "newer.h"
#endif
// The kernel's names for what glibc calls st_mtim.tv_nsec.
#define st_atime_nsec st_atim.tv_nsec
#define st_mtime_nsec st_mtim.tv_nsec
#endif

static inline const char *error_name(int error) {
#define NAME(e)                                                                                   \
  case e:                                                                                         \
    return #e;
  switch (error) {
    NAME(EPERM) NAME(ENOENT) NAME(ESRCH) NAME(EINTR) NAME(EIO) NAME(ENXIO) NAME(E2BIG)
    NAME(ENOEXEC) NAME(EBADF) NAME(ECHILD) NAME(EAGAIN) NAME(ENOMEM) NAME(EACCES) NAME(EFAULT)
    NAME(EBUSY) NAME(EEXIST) NAME(EXDEV) NAME(ENODEV) NAME(ENOTDIR) NAME(EISDIR)
    NAME(EINVAL) NAME(ENFILE) NAME(EMFILE) NAME(ENOTTY) NAME(ETXTBSY) NAME(EFBIG) NAME(ENOSPC)
    NAME(ESPIPE) NAME(EROFS) NAME(EMLINK) NAME(EPIPE) NAME(EDOM) NAME(ERANGE) NAME(EDEADLK)
    NAME(ENAMETOOLONG) NAME(ENOSYS) NAME(ENOTEMPTY) NAME(ELOOP) NAME(ENODATA) NAME(EOVERFLOW)
    NAME(EOPNOTSUPP) NAME(ESTALE)
    NAME(EIDRM) NAME(ENOMSG) NAME(EBADMSG) NAME(ENOKEY)
    NAME(EKEYREVOKED) NAME(EKEYEXPIRED) NAME(EKEYREJECTED) NAME(EDQUOT) NAME(EBADFD)
    NAME(ENOTSOCK) NAME(EDESTADDRREQ) NAME(EMSGSIZE) NAME(EPROTOTYPE) NAME(ENOPROTOOPT)
    NAME(EPROTONOSUPPORT) NAME(ESOCKTNOSUPPORT) NAME(EAFNOSUPPORT) NAME(EADDRINUSE)
    NAME(EADDRNOTAVAIL) NAME(ENETUNREACH) NAME(EHOSTUNREACH) NAME(ECONNABORTED) NAME(ECONNRESET)
    NAME(ENOBUFS) NAME(EISCONN) NAME(ENOTCONN) NAME(ESHUTDOWN) NAME(ETOOMANYREFS) NAME(ETIMEDOUT)
    NAME(ECONNREFUSED) NAME(EALREADY) NAME(EINPROGRESS)
  }
#undef NAME
  return "unnamed error";
}

// The result of a raw call as text: a number or an error's name.
static inline const char *outcome(long long result) {
  static char texts[4][64];
  static int next;
  char *text = texts[next++ % 4];
  if (result < 0 && result > -4096)
    snprintf(text, sizeof texts[0], "%s", error_name((int)-result));
  else
    snprintf(text, sizeof texts[0], "%lld", result);
  return text;
}

// The same for a libc call, which leaves its error in errno.
static inline const char *libc_outcome(long long result) {
  return outcome(result == -1 ? -errno : result);
}

// Prints an expression and how it ended. LIBC is for calls that report through errno.
#define RAW(call) printf("%s = %s\n", #call, outcome(call))
#define LIBC(call) printf("%s = %s\n", #call, libc_outcome(call))
// For values that may differ between worlds: whether a statement about them holds.
#define CHECK(condition) printf("%s: %s\n", #condition, (condition) ? "yes" : "NO")

// Until a child or thread sleeps within some call, and is on no processor's queue any more.
static inline void until_blocked(int id) {
  char path[64], first;
  snprintf(path, sizeof path, "/proc/%d/syscall", id);
  for (;;) {
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, &first, 1);
    if (fd >= 0) close(fd);
    if (n != 1) {
      printf("%s: cannot be read\n", path);
      exit(1);
    }
    // Otherwise "running", or "-1" outside of calls.
    if (first >= '0' && first <= '9') return;
    raw(sched_yield);
  }
}

// An address that neither world may touch: guests may well use the lowest ones.
static inline void *bad_address(void) {
  static void *page;
  if (!page) page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page;
}
#define BAD bad_address()

// Executes what is no instruction. What compilers take on aarch64 is one, for debuggers.
#ifdef __aarch64__
#define ILLEGAL() (({ __asm__ volatile("udf #0"); }), __builtin_unreachable())
#else
#define ILLEGAL() __builtin_trap()
#endif

// Divides by zero, which is a fault on x86-64 and in modules. Other hardware has a result for it:
// there the native half has the signal forced, as the kernel does for a fault.
static inline void divide_by_zero(void) {
#if defined __wasm__ || defined __x86_64__
  static volatile int zero;
  zero = 7 / zero;
#else
  struct sigaction action;
  sigset_t blocked, fault;
  sigemptyset(&fault), sigaddset(&fault, SIGFPE);
  sigaction(SIGFPE, NULL, &action);
  sigprocmask(SIG_UNBLOCK, &fault, &blocked);
  if (sigismember(&blocked, SIGFPE) || action.sa_handler == SIG_IGN) signal(SIGFPE, SIG_DFL);
  raise(SIGFPE);
#endif
}

static inline void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, error_name(errno));
  exit(1);
}

static inline void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) die(path);
  close(fd);
}
