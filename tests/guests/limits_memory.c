// Limits on memory: they hold for the program, are handed on, and no more than that.
//
// cases:
//   all: {}
//   child: { args: [child] }
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common.h"

#define UNLIMITED (~0ull)
#define MiB (1u << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void show(const char *what, int resource) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) die("getrlimit");
  printf("%s: %lld %lld\n", what, (long long)limit.rlim_cur, (long long)limit.rlim_max);
}

static int set(int resource, long long soft, long long hard) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) die("getrlimit");
  limit.rlim_cur = (unsigned long long)soft;
  if (hard != -2) limit.rlim_max = (unsigned long long)hard;
  return setrlimit(resource, &limit);
}

static void *map(size_t n, int prot, int flags) { return mmap(NULL, n, prot, flags, -1, 0); }

#define MAPS(call)                                                                                \
  do {                                                                                            \
    void *made = (call);                                                                          \
    printf("%s: %s\n", #call, made == MAP_FAILED ? error_name(errno) : "mapped");                 \
  } while (0)

static void address_space(void) {
  show("as", RLIMIT_AS);
  LIBC(set(RLIMIT_AS, 1024ll * MiB, -2));
  char *p = map(64 * MiB, RW, ANON);
  CHECK(p != MAP_FAILED);
  MAPS(map(1000 * MiB, RW, ANON));
  MAPS(map(1000 * MiB, PROT_NONE, ANON | MAP_NORESERVE));
  MAPS(map(1000 * MiB, RW, MAP_SHARED | MAP_ANONYMOUS));
  MAPS(mremap(p, 64 * MiB, 1100 * MiB, MREMAP_MAYMOVE));
  // What replaces something counts for what it adds.
  LIBC(set(RLIMIT_AS, 200ll * MiB, -2));
  char *wide = map(120 * MiB, PROT_NONE, ANON | MAP_NORESERVE);
  CHECK(wide == MAP_FAILED || wide != NULL);
  if (wide != MAP_FAILED) LIBC(munmap(wide, 120 * MiB));
  // Lower than what there is already: nothing is taken away, and nothing is added.
  LIBC(set(RLIMIT_AS, MiB, -2));
  MAPS(map(4096, RW, ANON));
  MAPS(mremap(p, 64 * MiB, 65 * MiB, MREMAP_MAYMOVE));
  memset(p, 1, 64 * MiB);
  LIBC(mprotect(p, MiB, PROT_READ));
  LIBC(mprotect(p, MiB, RW));
  LIBC(munmap(p, MiB));
  LIBC(munmap(p + 2 * MiB, MiB));
  CHECK(p[MiB] == 1 && p[3 * MiB] == 1);
  CHECK(mremap(p + 3 * MiB, 61 * MiB, 60 * MiB, 0) == p + 3 * MiB);
  LIBC(munmap(p, 64 * MiB));
  // A program that is run now has it, too: too little to start in, natively.
  LIBC(set(RLIMIT_AS, UNLIMITED, -2));
  MAPS(map(256 * MiB, RW, ANON));
}

static void data(void) {
  show("data", RLIMIT_DATA);
  LIBC(set(RLIMIT_DATA, 512ll * MiB, -2));
  MAPS(map(600 * MiB, RW, ANON));
  char *p = map(600 * MiB, PROT_READ, ANON);
  CHECK(p != MAP_FAILED);
  LIBC(mprotect(p, 600 * MiB, RW));
  LIBC(mprotect(p, 16 * MiB, RW));
  p[0] = 1;
  MAPS(map(600 * MiB, RW, MAP_SHARED | MAP_ANONYMOUS));
  LIBC(munmap(p, 600 * MiB));
  MAPS(map(100 * MiB, RW, ANON));
  LIBC(set(RLIMIT_DATA, UNLIMITED, -2));
}

static void rules(void) {
  struct rlimit limit = {3, 2}, old;
  RAW(raw(setrlimit, RLIMIT_AS, (void *)&limit));
  RAW(raw(setrlimit, RLIMIT_AS, BAD));
  RAW(raw(setrlimit, RLIMIT_STACK, (void *)NULL));
  RAW(raw(getrlimit, RLIMIT_DATA, BAD));
  RAW(raw(getrlimit, RLIMIT_DATA, (void *)NULL));
  RAW(raw(prlimit64, 0, RLIMIT_AS, (void *)NULL, (void *)NULL));
  RAW(raw(prlimit64, 0, RLIMIT_AS, BAD, (void *)NULL));
  RAW(raw(prlimit64, 0x7ffffff0, RLIMIT_AS, (void *)NULL, (void *)NULL));
  RAW(raw(prlimit64, -1, RLIMIT_AS, (void *)NULL, (void *)NULL));
  limit.rlim_cur = 1 << 30, limit.rlim_max = 1ll << 40;
  RAW(raw(prlimit64, getpid(), RLIMIT_DATA, (void *)&limit, (void *)&old));
  CHECK(old.rlim_cur == UNLIMITED);
  // What is stored last fails last.
  limit.rlim_cur = 1 << 29;
  RAW(raw(prlimit64, 0, RLIMIT_DATA, (void *)&limit, BAD));
  RAW(raw(prlimit64, 0, RLIMIT_DATA, (void *)NULL, (void *)&old));
  CHECK(old.rlim_cur == 1 << 29 && old.rlim_max == 1ll << 40);

  // Copies have what their maker has, and change their own.
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    show("copy", RLIMIT_DATA);
    set(RLIMIT_DATA, 1 << 20, 1 << 21);
    show("copy", RLIMIT_DATA);
    fflush(stdout);
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  show("maker", RLIMIT_DATA);
}

// Whoever may not raise limits beyond the second one.
static void unprivileged(void) {
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    if (getuid() == 0 && setuid(65534) != 0) die("setuid");
    LIBC(set(RLIMIT_STACK, 1 << 20, 1 << 22));
    LIBC(set(RLIMIT_STACK, 1 << 22, 1 << 22));
    LIBC(set(RLIMIT_STACK, 1 << 22, 1 << 23));
    LIBC(set(RLIMIT_STACK, 1 << 22, UNLIMITED));
    LIBC(set(RLIMIT_AS, 1 << 30, 1ll << 40));
    LIBC(set(RLIMIT_AS, 1 << 30, (1ll << 40) + 1));
    LIBC(set(RLIMIT_AS, 1 << 30, 1ll << 39));
    show("stack", RLIMIT_STACK);
    show("as", RLIMIT_AS);
    fflush(stdout);
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

// Programs of both kinds are started with them.
static void handed_on(char *self) {
  LIBC(set(RLIMIT_AS, 900ll * MiB, 901ll * MiB));
  LIBC(set(RLIMIT_DATA, 800ll * MiB, -2));
  LIBC(set(RLIMIT_STACK, 4 << 20, -2));
  char *shell[] = {"sh", "-c", "ulimit -S -v; ulimit -H -v; ulimit -S -d; ulimit -S -s", NULL};
  char *again[] = {self, "child", NULL};
  char *missing[] = {"missing", NULL};
  static const char *paths[] = {"/bin/sh", NULL};
  for (int i = 0; i < 2; i++) {
    fflush(stdout);
    int pid = fork();
    if (pid == 0) {
      char *none[] = {NULL};
      execve("/nonexistent", missing, none);
      execve("/", missing, none);
      show("still", RLIMIT_AS);
      fflush(stdout);
      execve(i ? "/proc/self/exe" : paths[0], i ? again : shell, none);
      die("execve");
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  }
}

static void child(void) {
  show("as", RLIMIT_AS);
  show("data", RLIMIT_DATA);
  show("stack", RLIMIT_STACK);
  MAPS(map(900 * MiB, PROT_READ, ANON));
  MAPS(map(600 * MiB, PROT_READ, ANON));
}

int main(int argc, char **argv) {
  if (argc > 1) {
    child();
    return 0;
  }
  address_space();
  data();
  rules();
  unprivileged();
  handed_on(argv[0]);
  return 0;
}
