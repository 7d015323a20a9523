// prctl: names, deaths, privileges, capabilities, and what is refused.
//
// cases:
//   all: {}
#ifndef __wasm__
#include <linux/capability.h>
#include <linux/prctl.h>
#include <signal.h>
#endif

#include "common.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

#define P(pointer) ((unsigned long)(uintptr_t)(pointer))
// The options by name: their values would be printed in two ways.
#define PRCTL(...) printf("prctl(%s) = %s\n", #__VA_ARGS__, outcome(raw(prctl, __VA_ARGS__)))
#define PR(option, a, b)                                                                          \
  printf("prctl(%s, %s, %s) = %s\n", #option, #a, #b, outcome(raw(prctl, option, a, b, 0, 0)))

static void names(void) {
  char name[32] = "untouched untouched untouched";
  PR(PR_SET_NAME, P("short"), 0);
  PR(PR_GET_NAME, P(name), 0);
  printf("%s|%s\n", name, name + 16);
  PR(PR_SET_NAME, P("a name longer than fifteen bytes"), 0);
  PR(PR_GET_NAME, P(name), 0);
  printf("%s|%s\n", name, name + 16);
  PR(PR_SET_NAME, P(""), 0);
  PR(PR_GET_NAME, P(name), 0);
  printf("%s|\n", name);
  PR(PR_SET_NAME, P(BAD), 0);
  PR(PR_SET_NAME, 0, 0);
  PR(PR_GET_NAME, P(BAD), 0);
  PR(PR_GET_NAME, 0, 0);
}

static void signals(void) {
  int value = 77;
  PR(PR_GET_PDEATHSIG, P(&value), 0);
  printf("%d\n", value);
  PR(PR_SET_PDEATHSIG, SIGURG, 0);
  PR(PR_GET_PDEATHSIG, P(&value), 0);
  printf("%d\n", value);
  PR(PR_SET_PDEATHSIG, 1000, 0);
  PR(PR_SET_PDEATHSIG, -1, 0);
  PR(PR_SET_PDEATHSIG, 0, 0);
  PR(PR_GET_PDEATHSIG, P(BAD), 0);
  PR(PR_GET_CHILD_SUBREAPER, P(&value), 0);
  printf("%d\n", value);
  PR(PR_SET_CHILD_SUBREAPER, 1, 0);
  PR(PR_GET_CHILD_SUBREAPER, P(&value), 0);
  printf("%d\n", value);
  PR(PR_GET_CHILD_SUBREAPER, P(BAD), 0);
}

static void privileges(void) {
  PR(PR_GET_DUMPABLE, 0, 0);
  PR(PR_SET_DUMPABLE, 0, 0);
  PR(PR_GET_DUMPABLE, 0, 0);
  PR(PR_SET_DUMPABLE, 2, 0);
  PR(PR_SET_DUMPABLE, 1, 0);
  PR(PR_GET_KEEPCAPS, 0, 0);
  PR(PR_SET_KEEPCAPS, 1, 0);
  PR(PR_GET_KEEPCAPS, 0, 0);
  PR(PR_SET_KEEPCAPS, 2, 0);
  PR(PR_GET_SECUREBITS, 0, 0);
  PR(PR_SET_SECUREBITS, 1 << 20, 0);
  PR(PR_GET_SECUREBITS, 0, 0);
  PR(PR_CAPBSET_READ, CAP_CHOWN, 0);
  PR(PR_CAPBSET_READ, 1000, 0);
  PR(PR_CAPBSET_READ, -1, 0);
  PR(PR_CAPBSET_DROP, CAP_AUDIT_READ, 0);
  PR(PR_CAPBSET_READ, CAP_AUDIT_READ, 0);
  PR(PR_CAPBSET_DROP, 1000, 0);
  PR(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN);
  PR(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN);
  PR(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_CHOWN);
  PR(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 1000);
  PR(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
  PR(PR_CAP_AMBIENT, 99, 0);
  PR(PR_GET_NO_NEW_PRIVS, 0, 0);
  PR(PR_SET_NO_NEW_PRIVS, 0, 0);
  PR(PR_SET_NO_NEW_PRIVS, 1, 0);
  PR(PR_GET_NO_NEW_PRIVS, 0, 0);
}

static void properties(void) {
  PRCTL(PR_SET_TIMERSLACK, 123456789, 0, 0, 0);
  PR(PR_GET_TIMERSLACK, 0, 0);
  PR(PR_SET_TIMERSLACK, 0, 0);
  PR(PR_GET_TIMING, 0, 0);
  PR(PR_SET_TIMING, 0, 0);
  PR(PR_SET_TIMING, 1, 0);
  PR(PR_GET_THP_DISABLE, 0, 0);
  PR(PR_SET_THP_DISABLE, 1, 0);
  PR(PR_GET_THP_DISABLE, 0, 0);
  PR(PR_SET_THP_DISABLE, 0, 0);
  PR(PR_TASK_PERF_EVENTS_DISABLE, 0, 0);
  PR(PR_TASK_PERF_EVENTS_ENABLE, 0, 0);
  PR(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY);
  PR(PR_MCE_KILL_GET, 0, 0);
  PR(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0);
  PR(PR_MCE_KILL_GET, 0, 0);
  PR(PR_MCE_KILL, 99, 0);
  PR(PR_SET_PTRACER, -1, 0);
  PR(PR_SET_PTRACER, 0, 0);
  PR(PR_GET_SECCOMP, 0, 0);
  PR(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0);
  PR(PR_GET_SPECULATION_CTRL, 99, 0);
  PR(PR_SET_IO_FLUSHER, 1, 0);
  PR(PR_GET_IO_FLUSHER, 0, 0);
  PR(PR_GET_MDWE, 0, 0);
  PR(PR_SET_MEMORY_MERGE, 1, 0);
  PR(PR_GET_MEMORY_MERGE, 0, 0);
  PR(PR_SET_MEMORY_MERGE, 0, 0);
  uint64_t cookie = 77;
  PRCTL(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, P(&cookie));
  PRCTL(PR_SCHED_CORE, 99, 0, 0, 0);
  PR(123456, 0, 0);
  PR(-1, 0, 0);
}

static void mappings(void) {
  char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#define NAME(at, len, name)                                                                       \
  PRCTL(PR_SET_VMA, PR_SET_VMA_ANON_NAME, P(at), (unsigned long)(len), P(name))
  NAME(p, 4096, "heap");
  NAME(p, 8192, 0);
  NAME(p + 1, 4096, "heap");
  NAME(p, 0, "heap");
  NAME(p, 4096, "no [brackets]");
  NAME(p, 4096, BAD);
  munmap(p + 4096, 4096);
  NAME(p, 8192, "hole");
  PRCTL(PR_SET_VMA, 99, P(p), 4096, 0);
  void *word = p;
  PRCTL(PR_GET_TID_ADDRESS, P(&word), 0, 0, 0);
  PRCTL(PR_GET_TID_ADDRESS, P(BAD), 0, 0, 0);
}

int main(void) {
  names();
  signals();
  privileges();
  properties();
  mappings();
  return 0;
}
