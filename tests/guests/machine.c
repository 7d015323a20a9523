// Scheduling, priorities, barriers, capabilities, personality, security modules, keys.
//
// cases:
//   all: {}
#ifndef __wasm__
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/membarrier.h>
#include <sys/personality.h>
#endif
#include <sched.h>
#include <signal.h>

#include "common.h"

#if !defined __wasm__ && !defined SYS_lsm_get_self_attr
#define SYS_lsm_get_self_attr 459
#define SYS_lsm_set_self_attr 460
#define SYS_lsm_list_modules 461
#endif

// As the kernel has them; the C library's headers differ by version.
struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t util_min, util_max;
};
struct header {
  uint32_t version;
  int pid;
};
struct data {
  uint32_t effective, permitted, inheritable;
};

static void scheduling(void) {
  struct attributes attr;
  memset(&attr, 0xff, sizeof attr);
  RAW(raw(sched_getattr, 0, (void *)&attr, sizeof attr, 0));
  CHECK(attr.size == 56);
  printf("%u %d %u\n", attr.policy, attr.nice, attr.priority);
  RAW(raw(sched_getattr, 0, (void *)&attr, 48, 0));
  CHECK(attr.size == 48);
  RAW(raw(sched_getattr, 0, (void *)&attr, 47, 0));
  RAW(raw(sched_getattr, 0, (void *)&attr, 4097, 0));
  RAW(raw(sched_getattr, 0, (void *)&attr, 48, 1));
  RAW(raw(sched_getattr, 0, BAD, 48, 0));
  RAW(raw(sched_getattr, 0, NULL, 48, 0));
  RAW(raw(sched_getattr, -1, (void *)&attr, 48, 0));
  RAW(raw(sched_getattr, 0x7fffffff, (void *)&attr, 48, 0));
  attr = (struct attributes){.size = sizeof attr, .policy = SCHED_BATCH, .nice = 3};
  RAW(raw(sched_setattr, 0, (void *)&attr, 0));
  RAW(raw(sched_getscheduler, 0));
  attr.size = 0;
  RAW(raw(sched_setattr, 0, (void *)&attr, 0));
  attr.size = 8;
  RAW(raw(sched_setattr, 0, (void *)&attr, 0));
  CHECK(attr.size == 56);
  attr.size = 5000;
  RAW(raw(sched_setattr, 0, (void *)&attr, 0));
  attr.size = sizeof attr, attr.policy = 1000;
  RAW(raw(sched_setattr, 0, (void *)&attr, 0));
  RAW(raw(sched_setattr, 0, (void *)&attr, 1));
  RAW(raw(sched_setattr, 0, NULL, 0));
  RAW(raw(sched_setattr, 0, BAD, 0));

  RAW(raw(ioprio_get, IOPRIO_WHO_PROCESS, 0));
  RAW(raw(ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT | 5));
  RAW(raw(ioprio_get, IOPRIO_WHO_PROCESS, 0));
  RAW(raw(ioprio_set, IOPRIO_WHO_PROCESS, 0, 6 << IOPRIO_CLASS_SHIFT));
  RAW(raw(ioprio_set, 77, 0, 0));
  RAW(raw(ioprio_get, 77, 0));

  RAW(raw(membarrier, MEMBARRIER_CMD_QUERY, 0, 0));
  RAW(raw(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  RAW(raw(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
  RAW(raw(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  RAW(raw(membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
  RAW(raw(membarrier, 1 << 20, 0, 0));
  RAW(raw(membarrier, MEMBARRIER_CMD_GLOBAL, 1, 0));
}

static void capabilities(void) {
  struct header header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct data data[2] = {0};
  RAW(raw(capget, (void *)&header, (void *)data));
  printf("%x %x\n", data[0].effective, data[1].permitted);
  RAW(raw(capset, (void *)&header, (void *)data));
  RAW(raw(capget, (void *)&header, NULL));
  RAW(raw(capget, (void *)&header, BAD));
  RAW(raw(capset, (void *)&header, BAD));
  RAW(raw(capset, (void *)&header, NULL));
  RAW(raw(capget, BAD, (void *)data));
  header.version = 0;
  RAW(raw(capget, (void *)&header, NULL));
  CHECK(header.version == _LINUX_CAPABILITY_VERSION_3);
  header.version = 1;
  RAW(raw(capget, (void *)&header, (void *)data));
  header.pid = -1;
  RAW(raw(capget, (void *)&header, (void *)data));
  header.version = _LINUX_CAPABILITY_VERSION_1, header.pid = 0;
  data[1].permitted = 0x5a5a;
  RAW(raw(capget, (void *)&header, (void *)data));
  printf("%x %x\n", data[0].effective, data[1].permitted);
  header.pid = 1;
  RAW(raw(capset, (void *)&header, (void *)data));
}

static void treatment(void) {
  RAW(raw(personality, 0xffffffff));
  RAW(raw(personality, PER_LINUX));
  RAW(raw(personality, ADDR_NO_RANDOMIZE | UNAME26));
  RAW(raw(personality, 0xffffffff));
  RAW(raw(personality, PER_BSD));
  RAW(raw(personality, PER_LINUX));
}

static void security(void) {
  uint64_t handled[3] = {LANDLOCK_ACCESS_FS_EXECUTE};
  RAW(raw(landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
  RAW(raw(landlock_create_ruleset, NULL, 0, 0));
  RAW(raw(landlock_create_ruleset, NULL, 8, 0));
  RAW(raw(landlock_create_ruleset, BAD, 8, 0));
  RAW(raw(landlock_create_ruleset, (void *)handled, 4, 0));
  RAW(raw(landlock_create_ruleset, (void *)handled, 8, 77));
  RAW(raw(landlock_create_ruleset, (void *)handled, 5000, 0));
  RAW(raw(landlock_create_ruleset, (void *)handled, sizeof handled, 0));
  RAW(raw(landlock_restrict_self, 1, 0));
  RAW(raw(landlock_restrict_self, -1, 0));

  uint64_t ids[64];
  uint32_t size = sizeof ids, none = 0;
  RAW(raw(lsm_list_modules, (void *)ids, &size, 0));
  printf("%u\n", size);
  RAW(raw(lsm_list_modules, (void *)ids, &none, 0));
  printf("%u\n", none);
  RAW(raw(lsm_list_modules, (void *)ids, &size, 1));
  RAW(raw(lsm_list_modules, BAD, &size, 0));
  RAW(raw(lsm_list_modules, (void *)ids, BAD, 0));
  RAW(raw(lsm_get_self_attr, 100, NULL, &size, 0));
  RAW(raw(lsm_get_self_attr, 0, NULL, &size, 0));
  RAW(raw(lsm_get_self_attr, 100, NULL, BAD, 0));
  RAW(raw(lsm_set_self_attr, 100, (void *)ids, 8, 0));
  RAW(raw(lsm_set_self_attr, 0, BAD, 64, 0));
}

static void keys(void) {
  long long key = raw(add_key, "user", "wali-test", "secret", 6, KEY_SPEC_PROCESS_KEYRING);
  CHECK(key > 0);
  CHECK(raw(add_key, "user", "wali-test", "other", 5, KEY_SPEC_PROCESS_KEYRING) == key);
  CHECK(raw(request_key, "user", "wali-test", NULL, 0) == key);
  RAW(raw(add_key, "user", "wali-test", BAD, 6, KEY_SPEC_PROCESS_KEYRING));
  RAW(raw(add_key, "user", "wali-test", NULL, 6, KEY_SPEC_PROCESS_KEYRING));
  RAW(raw(add_key, "user", "wali-test", "x", 2 << 20, KEY_SPEC_PROCESS_KEYRING));
  RAW(raw(add_key, "nonsense", "wali-test", "x", 1, KEY_SPEC_PROCESS_KEYRING));
  RAW(raw(add_key, BAD, "wali-test", "x", 1, KEY_SPEC_PROCESS_KEYRING));
  RAW(raw(add_key, "user", BAD, "x", 1, KEY_SPEC_PROCESS_KEYRING));
  RAW(raw(add_key, "user", "wali-test", "x", 1, 1));
  RAW(raw(request_key, "user", "absent", NULL, 0));
  RAW(raw(request_key, "user", BAD, NULL, 0));
  RAW(raw(request_key, "user", "absent", BAD, 0));

  // The commands by name: their values would be printed in two ways.
#define KEY(...) printf("keyctl(%s) = %s\n", #__VA_ARGS__, outcome(raw(keyctl, __VA_ARGS__)))
#define P(pointer) ((unsigned long)(uintptr_t)(pointer))
  char buffer[64] = {0};
  KEY(KEYCTL_READ, key, P(buffer), 64, 0);
  printf("%s\n", buffer);
  KEY(KEYCTL_READ, key, 0, 0, 0);
  KEY(KEYCTL_READ, key, P(BAD), 64, 0);
  KEY(KEYCTL_UPDATE, key, P("changed"), 7, 0);
  KEY(KEYCTL_UPDATE, key, P(BAD), 7, 0);
  KEY(KEYCTL_UPDATE, key, P(buffer), 2 << 20, 0);
  KEY(KEYCTL_READ, key, P(buffer), 3, 0);
  KEY(KEYCTL_READ, key, P(buffer), 64, 0);
  printf("%s\n", buffer);
  KEY(KEYCTL_DESCRIBE, key, P(buffer), 64, 0);
  printf("%s\n", buffer);
  KEY(KEYCTL_DESCRIBE, key, P(BAD), 64, 0);
  CHECK(raw(keyctl, KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, P("user"), P("wali-test"), 0) == key);
  KEY(KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, P("user"), P("absent"), 0);
  KEY(KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, P(BAD), P("absent"), 0);
  KEY(KEYCTL_SETPERM, key, 0x3f3f0000, 0, 0);
  KEY(KEYCTL_SETPERM, key, -1, 0, 0);
  KEY(KEYCTL_SET_TIMEOUT, key, 1000, 0, 0);
  KEY(KEYCTL_CHOWN, key, -1, -1, 0);
  KEY(KEYCTL_GET_SECURITY, key, P(buffer), 64, 0);
  KEY(KEYCTL_LINK, key, KEY_SPEC_THREAD_KEYRING, 0, 0);
  KEY(KEYCTL_UNLINK, key, KEY_SPEC_THREAD_KEYRING, 0, 0);
  KEY(KEYCTL_UNLINK, key, KEY_SPEC_THREAD_KEYRING, 0, 0);
  CHECK(raw(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0, 0, 0) > 0);
  KEY(KEYCTL_GET_KEYRING_ID, 12345, 0, 0, 0);
  KEY(KEYCTL_INSTANTIATE, key, P("x"), 1, 0);
  KEY(KEYCTL_NEGATE, key, 10, 0, 0);
  KEY(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_NO_CHANGE, 0, 0, 0);
  KEY(KEYCTL_SET_REQKEY_KEYRING, 77, 0, 0, 0);
  KEY(KEYCTL_RESTRICT_KEYRING, key, 0, 0, 0);
  CHECK(raw(keyctl, KEYCTL_CAPABILITIES, P(buffer), 64, 0, 0) >= 1);
  KEY(KEYCTL_CAPABILITIES, P(BAD), 64, 0, 0);
  KEY(KEYCTL_REVOKE, key, 0, 0, 0);
  KEY(KEYCTL_READ, key, P(buffer), 64, 0);
  KEY(KEYCTL_INVALIDATE, 12345, 0, 0, 0);
  CHECK(raw(keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) > 0);
  KEY(KEYCTL_JOIN_SESSION_KEYRING, P(BAD), 0, 0, 0);
  KEY(KEYCTL_CLEAR, KEY_SPEC_PROCESS_KEYRING, 0, 0, 0);
  KEY(77777, 0, 0, 0, 0);
}

static void comparison(void) {
  int me = (int)raw(getpid), one = open("/dev/null", O_RDONLY), two = dup(one);
  int other = open("/dev/null", O_RDONLY);
#define SAME(...) printf("kcmp(%s) = %s\n", #__VA_ARGS__, outcome(raw(kcmp, __VA_ARGS__)))
  SAME(me, me, KCMP_FILE, one, two);
  CHECK(raw(kcmp, me, me, KCMP_FILE, one, other) > 0);
  SAME(me, me, KCMP_FILE, one, 500);
  SAME(me, me, KCMP_VM, 0, 0);
  SAME(me, me, KCMP_SIGHAND, 0, 0);
  CHECK(raw(kcmp, me, 1, KCMP_VM, 0, 0) != 0);
  SAME(me, me, KCMP_EPOLL_TFD, one, P(BAD));
  SAME(me, me, KCMP_EPOLL_TFD, one, 0);
  SAME(me, me, 77, 0, 0);
  SAME(-1, me, KCMP_VM, 0, 0);
  close(one), close(two), close(other);
}

// What is forbidden from here on is missed by nobody.
static void restriction(void) {
  uint64_t handled[1] = {LANDLOCK_ACCESS_FS_MAKE_SOCK};
  struct {
    uint64_t allowed;
    int32_t parent;
  } __attribute__((packed)) below = {LANDLOCK_ACCESS_FS_MAKE_SOCK, -1};
  int rules = (int)raw(landlock_create_ruleset, (void *)handled, 8, 0);
#define RULE(...)                                                                                 \
  printf("landlock_add_rule(%s) = %s\n", #__VA_ARGS__, outcome(raw(landlock_add_rule, __VA_ARGS__)))
  RULE(rules, LANDLOCK_RULE_PATH_BENEATH, P(&below), 0);
  RULE(rules, LANDLOCK_RULE_PATH_BENEATH, P(BAD), 0);
  RULE(rules, LANDLOCK_RULE_PATH_BENEATH, 0, 0);
  RULE(rules, LANDLOCK_RULE_PATH_BENEATH, P(&below), 1);
  RULE(rules, 77, P(&below), 0);
  RULE(-1, LANDLOCK_RULE_PATH_BENEATH, P(&below), 0);
  RULE(-1, 77, P(&below), 0);
  RULE(1, LANDLOCK_RULE_PATH_BENEATH, P(&below), 0);
  below.parent = open("/", O_PATH);
  RULE(rules, LANDLOCK_RULE_PATH_BENEATH, P(&below), 0);
  below.allowed = 0;
  RULE(rules, LANDLOCK_RULE_PATH_BENEATH, P(&below), 0);
  below.allowed = 1ULL << 40;
  RULE(rules, LANDLOCK_RULE_PATH_BENEATH, P(&below), 0);
  RAW(raw(landlock_restrict_self, rules, 0));
  RAW(raw(mknodat, AT_FDCWD, "socket", 0140600, 0));
}

static void nothing(int signal) { (void)signal; }
static void others(void) {
  // What whoever started this program left to be made again is forgotten when a handler returns.
  signal(SIGUSR1, nothing);
  raise(SIGUSR1);
  RAW(raw(restart_syscall));
  RAW(raw(syslog, 3, BAD, -1));
  RAW(raw(syslog, 77, NULL, 0));
  RAW(raw(reboot, 0, 0, 0, NULL));
  RAW(raw(swapoff, "absent"));
  RAW(raw(swapon, BAD, 0));
  RAW(raw(acct, "absent"));
  RAW(raw(acct, BAD));
  RAW(raw(setns, -1, 0));
  RAW(raw(setns, 1, 0));
  RAW(raw(unshare, 1 << 30 | 1));
  RAW(raw(unshare, CLONE_FS | CLONE_FILES));
  RAW(raw(unshare, CLONE_THREAD));
}

int main(void) {
  scheduling();
  capabilities();
  treatment();
  security();
  keys();
  comparison();
  restriction();
  others();
  return 0;
}
