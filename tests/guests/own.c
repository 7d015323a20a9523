// A program as it finds itself by /proc, what it is called, and what counts as a program.
//
// cases:
//   links: { args: [links] }
//   runs_itself: { args: [runs_itself], env: { KEPT: "yes" } }
//   names: { args: [names] }
//   written: { args: [written] }
//   damaged: { args: [damaged] }
//   limits: { args: [limits] }
//   no_descriptors: { args: [no_descriptors] }
//   other_ways: { args: [other_ways] }
//   small_files: { args: [small_files], env: { LONG: "a variable that takes more than a few bytes" } }
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common.h"

static char *self;

static int status_of(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) die("waitpid");
  return status;
}

static void run(const char *path, char **argv, char **envp) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    printf("%s\n", outcome(raw(execve, (void *)path, (uintptr_t)argv, (uintptr_t)envp)));
    exit(99);
  }
  printf("status %x\n", status_of(child));
}

static long long link_of(const char *path, char *text, int size) {
  return raw(readlink, (void *)path, (void *)text, size);
}

static void links(void) {
  static char own[4200], other[4200];
  long long length = link_of("/proc/self/exe", own, sizeof own);
  CHECK(length > 0);
  // The file is the one that this program was started from.
  CHECK(strcmp(strrchr(own, '/'), strrchr(self, '/')) == 0);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/exe", getpid());
  memset(other, 0, sizeof other);
  CHECK(link_of(path, other, sizeof other) == length && strcmp(own, other) == 0);
  snprintf(path, sizeof path, "/proc/%d/task/%d/exe", getpid(), getpid());
  CHECK(link_of(path, other, sizeof other) == length && strcmp(own, other) == 0);
  CHECK(link_of("//proc/./self/../self/exe", other, sizeof other) == length);
  int folder = open("/proc/self", O_RDONLY | O_DIRECTORY);
  CHECK(raw(readlinkat, folder, (void *)"exe", (void *)other, sizeof other) == length);
  int link = open("/proc/self/exe", O_PATH | O_NOFOLLOW);
  CHECK(raw(readlinkat, link, (void *)"", (void *)other, sizeof other) == length);
  if (chdir("/proc/self") != 0) die("chdir");
  CHECK(link_of("exe", other, sizeof other) == length);
  RAW(link_of("/proc/self/exe", other, 4));
  printf("%.4s\n", strncmp(own, other, 4) == 0 ? "same" : "other");
  RAW(link_of("/proc/self/exe", other, 0));
  RAW(link_of("/proc/self/exe", other, -1));
  RAW(link_of("/proc/self/exe", BAD, 100));
  RAW(link_of("/proc/self/exe/", other, 100));
  RAW(link_of("", other, 100));
  RAW(link_of(BAD, other, 100));
  RAW(raw(readlinkat, 99, (void *)"exe", (void *)other, sizeof other));
}

static void called(void) {
  char name[32] = "";
  raw(prctl, 16 /* PR_GET_NAME */, (uintptr_t)name, 0, 0, 0);
  // What the program's own file is called differs.
  const char *own = strrchr(self, '/') + 1;
  printf("called %s\n", strncmp(own, name, 15) == 0 ? "as its file" : name);
}

static int report(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("%d: %s\n", i, argv[i][0] == '/' ? "(itself)" : argv[i]);
  for (char **e = environ; *e; e++) printf("%s\n", *e);
  fflush(stdout);
  return 42;
}

static void runs_itself(void) {
  char *argv[] = {"another name", "report", self, "one", NULL};
  run("/proc/self/exe", argv, environ);
  if (symlink("/proc/self/exe", "way") != 0) die("symlink");
  run("way", argv, environ);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/exe", getpid());
  if (chdir("/") != 0) die("chdir");
  run("proc/self/exe", argv, environ);
  run("/proc/self/task/../exe", argv, environ);
  // That of the parent, which runs the same.
  fflush(stdout);
  run("/proc/thread-self/exe", argv, environ);
}

static void names(void) {
  called();
  char *argv[] = {"something else", "called", self, NULL};
  run(self, argv, environ);
  static char text[4200];
  if (symlink(self, "a-link-with-a-long-name") != 0) die("symlink");
  run("./a-link-with-a-long-name", argv, environ);
  snprintf(text, sizeof text, "#!%s called\n", self);
  write_file("script", text);
  chmod("script", 0755);
  char *by_script[] = {"x", self, NULL};
  run("./script", by_script, environ);
  unlink("script");
  unlink("a-link-with-a-long-name");
  // A thread's name does not outlive the program.
  raw(prctl, 15 /* PR_SET_NAME */, (uintptr_t) "renamed", 0, 0, 0);
  called();
  run(self, argv, environ);
}

static void copy(const char *from, const char *to) {
  static char buffer[65536];
  int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  ssize_t length;
  if (in < 0 || out < 0) die("copy");
  while ((length = read(in, buffer, sizeof buffer)) > 0)
    if (write(out, buffer, (size_t)length) != length) die("write");
  close(in);
  close(out);
}

static void written(void) {
  char *argv[] = {self, "report", self, NULL}, *none[] = {NULL};
  copy(self, "copy");
  run("./copy", argv, none);
  int fd = open("copy", O_WRONLY);
  run("./copy", argv, none);
  write_file("script", "#!./copy report\n");
  chmod("script", 0755);
  run("./script", argv, none);
  close(fd);
  run("./script", argv, none);
  fd = open("copy", O_RDWR | O_CLOEXEC);
  run("./copy", argv, none);
  close(fd);
  fd = open("copy", O_RDONLY);
  RAW(raw(execveat, fd, (void *)"", (uintptr_t)argv, (uintptr_t)none, AT_EMPTY_PATH | 0x10000));
  unlink("copy");
}

static void damaged(void) {
  char *argv[] = {"x", NULL}, *none[] = {NULL};
  static const struct {
    const char *what;
    int length;
    char bytes[24];
  } files[] = {
      {"magic", 4, {0, 'a', 's', 'm'}},
      {"version", 8, {0, 'a', 's', 'm', 2, 0, 0, 0}},
      {"component", 8, {0, 'a', 's', 'm', 13, 0, 1, 0}},
      {"cut", 11, {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 5, 0}},
      {"size", 9, {0, 'a', 's', 'm', 1, 0, 0, 0, 1}},
      {"long", 14, {0, 'a', 's', 'm', 1, 0, 0, 0, 1, -1, -1, -1, -1, 15}},
      {"section", 10, {0, 'a', 's', 'm', 1, 0, 0, 0, 77, 0}},
  };
  for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
    int fd = open(files[i].what, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (write(fd, files[i].bytes, (size_t)files[i].length) != files[i].length) die("write");
    close(fd);
    printf("%s: ", files[i].what);
    char path[64];
    snprintf(path, sizeof path, "./%s", files[i].what);
    run(path, argv, none);
  }
}

static char *repeated(size_t length) {
  char *text = malloc(length + 1);
  memset(text, 'x', length);
  text[length] = 0;
  return text;
}

// Arguments and environment with just so many bytes in all, as the kernel counts them.
static void filled(const char *path, long long bytes, int variables) {
  enum { MOST = 64 };
  char *argv[MOST + 3] = {self, "count"}, *envp[MOST + 1] = {NULL};
  int argc = 2, envc = 0;
  bytes -= (long long)strlen(path) + 1 + (long long)strlen(self) + 1 + 6 + 2 * 8;
  while (bytes > 0) {
    long long length = bytes > 130000 ? 120000 : bytes - 9;
    if (length < 0) die("too little");
    if (variables)
      envp[envc++] = repeated((size_t)length);
    else
      argv[argc++] = repeated((size_t)length);
    bytes -= length + 9;
  }
  argv[argc] = NULL;
  envp[envc] = NULL;
  run(path, argv, envp);
}

static int count(int argc, char **argv) {
  size_t sum = 0;
  for (int i = 2; i < argc; i++) sum += strlen(argv[i]);
  printf("%d arguments of about %d bytes\n", argc - 2, (int)(sum >> 10));
  fflush(stdout);
  return 0;
}

static void limits(void) {
  struct rlimit limit = {8 << 20, RLIM_INFINITY};
  setrlimit(RLIMIT_STACK, &limit);
  for (int difference = -1; difference <= 1; difference++) {
    printf("a quarter of 8 MiB, %d: ", difference);
    fflush(stdout);
    filled(self, (2 << 20) + difference, 0);
    printf("in variables: ");
    fflush(stdout);
    filled(self, (2 << 20) + difference, 1);
  }
  static char text[4200];
  snprintf(text, sizeof text, "#!%s count\n", self);
  write_file("s", text);
  chmod("s", 0755);
  // The interpreter, its argument and the script are there in the place of the first argument.
  long long more = 6 + 4;
  for (int difference = -1; difference <= 1; difference++) filled("./s", (2 << 20) - more + difference, 0);
  unlink("s");
  limit.rlim_cur = 300000;
  setrlimit(RLIMIT_STACK, &limit);
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_STACK, &limit);
  for (int difference = -1; difference <= 1; difference++) filled(self, (6 << 20) + difference, 0);
}

static void small_files(void) {
  // A limit on the size of files is none on what a program is started with.
  struct rlimit limit = {10, RLIM_INFINITY};
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) die("setrlimit");
  char *argv[] = {"x", "report", self, NULL};
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    execve(self, argv, environ);
    _exit(99);
  }
  close(ends[1]);
  char byte;
  int bytes = 0;
  while (read(ends[0], &byte, 1) == 1) bytes++;
  CHECK(bytes > 50);
  int status = status_of(child);
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_FSIZE, &limit);
  printf("status %x\n", status);
}

static void no_descriptors(void) {
  // All that the limit allows are in use, but closed by then.
  struct rlimit limit, small;
  getrlimit(RLIMIT_NOFILE, &limit);
  small = limit;
  small.rlim_cur = 40;
  if (setrlimit(RLIMIT_NOFILE, &small) != 0) die("setrlimit");
  while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {}
  printf("%s\n", error_name(errno));
  char *argv[] = {"x", "limit", self, NULL}, *none[] = {NULL};
  run(self, argv, none);
  run("absent", argv, none);
  getrlimit(RLIMIT_NOFILE, &small);
  printf("%d, as before: %d\n", (int)small.rlim_cur, small.rlim_max == limit.rlim_max);
}

static void other_ways(void) {
  char *argv[] = {"x", "report", self, NULL}, *none[] = {NULL};
  // The name of a descriptor's file, and that of a process that is gone.
  int fd = open(self, O_RDONLY);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  run(path, argv, none);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info;
  waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
  snprintf(path, sizeof path, "/proc/%d/exe", child);
  run(path, argv, none);
  RAW(link_of(path, path, sizeof path));
  status_of(child);
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc > 2 && strcmp(argv[1], "report") == 0) return self = argv[2], report(argc, argv);
  if (argc > 2 && strcmp(argv[1], "limit") == 0) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    printf("limit %d, next %d\n", (int)limit.rlim_cur, open("/dev/null", O_RDONLY));
    fflush(stdout);
    return 3;
  }
  if (argc > 2 && strcmp(argv[1], "called") == 0) return self = argv[argc - 1], called(), fflush(stdout), 0;
  if (argc > 2 && strcmp(argv[1], "count") == 0) return count(argc, argv);
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"links", links},     {"runs_itself", runs_itself}, {"names", names},
      {"written", written}, {"damaged", damaged},         {"limits", limits},
      {"small_files", small_files}, {"no_descriptors", no_descriptors}, {"other_ways", other_ways},
  };
  for (unsigned i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  return 0;
}
