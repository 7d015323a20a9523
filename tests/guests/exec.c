// Running other programs, this one among them: what they get, and what can go wrong.
//
// cases:
//   arguments: { args: [arguments], env: { KEPT: "not passed on" } }
//   many: { args: [many] }
//   descriptors: { args: [descriptors] }
//   signals: { args: [signals] }
//   scripts: { args: [scripts] }
//   native: { args: [native] }
//   errors: { args: [errors] }
//   errors_of_scripts: { args: [errors_of_scripts] }
//   large: { args: [large] }
//   by_descriptor: { args: [by_descriptor] }
//   after_vfork: { args: [after_vfork] }
//   attributes: { args: [attributes] }
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"

static char *self;

static void show(const char *what, pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) die("waitpid");
  if (WIFEXITED(status))
    printf("%s: exited with %d\n", what, WEXITSTATUS(status));
  else
    printf("%s: killed by %d\n", what, WTERMSIG(status));
  fflush(stdout);
}

static int run(const char *path, char **argv, char **envp) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    execve(path, argv, envp);
    printf("%s\n", error_name(errno));
    exit(99);
  }
  show("run", child);
  return 0;
}

// What a program that was run says about itself; the program's own name is left out.
static int report(int argc, char **argv) {
  for (int i = 0; i < argc; i++)
    printf("%d: %s\n", i, strcmp(argv[i], self) == 0 ? "(itself)" : argv[i]);
  for (char **e = environ; *e; e++) printf("%s\n", *e);
  fflush(stdout);
  return 42;
}

static void arguments(void) {
  char *plain[] = {self, "report", "", "two words", "-x", "--", "--help", "a\nb", NULL};
  char *environment[] = {"A=1", "EMPTY=", "LONG NAME=x=y", NULL};
  run(self, plain, environment);
  char *none[] = {NULL};
  run(self, plain, none);
  run(self, plain, NULL);
  char *renamed[] = {"another name", "report", NULL};
  run(self, renamed, none);
}

static void many(void) {
  // One after the other in the same process, counting down.
  char *argv[] = {self, "count", "5", NULL};
  run(self, argv, environ);
}

static void descriptors(void) {
  write_file("file", "0123456789");
  int kept = open("file", O_RDONLY);
  int closed = open("file", O_RDONLY | O_CLOEXEC);
  int high = raw(dup3, kept, 200, 0);
  char byte;
  read(kept, &byte, 1);
  char a[16], b[16], c[16];
  snprintf(a, sizeof a, "%d", kept);
  snprintf(b, sizeof b, "%d", closed);
  snprintf(c, sizeof c, "%d", high);
  char *argv[] = {self, "check_descriptors", a, b, c, NULL};
  run(self, argv, environ);
  read(kept, &byte, 1);
  printf("then %c\n", byte);
}
static int check_descriptors(char **argv) {
  char byte = '?';
  ssize_t got = read(atoi(argv[2]), &byte, 1);
  printf("kept: %d %c\n", (int)got, byte);
  printf("closed: %s\n", read(atoi(argv[3]), &byte, 1) < 0 ? error_name(errno) : "open");
  got = read(atoi(argv[4]), &byte, 1);
  printf("high: %d %c\n", (int)got, byte);
  // The next ones are the lowest that are free.
  printf("next: %d", open("file", O_RDONLY));
  printf(" %d\n", open("file", O_RDONLY));
  fflush(stdout);
  return 0;
}

static void handler(int signal) { (void)signal; }

static void signals(void) {
  int ignored[] = {SIGUSR1, SIGPIPE, SIGSEGV, SIGCHLD};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGSEGV);
  sigaddset(&set, SIGBUS);
  sigaddset(&set, 40);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 4; i++) signal(ignored[i], SIG_IGN);
    signal(SIGTERM, handler);
    signal(SIGBUS, handler);
    static char stack[16384];
    stack_t on = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&on, NULL);
    sigprocmask(SIG_SETMASK, &set, NULL);
    raise(SIGUSR2);
    raise(SIGBUS);
    raise(40);
    char *argv[] = {self, "check_signals", NULL};
    // A program that is not there changes nothing.
    execv("absent", argv);
    struct sigaction old;
    sigaction(SIGBUS, NULL, &old);
    sigset_t pending;
    sigpending(&pending);
    if (old.sa_handler != handler || !sigismember(&pending, SIGBUS)) _exit(98);
    execv(self, argv);
    _exit(99);
  }
  show("signals", child);
}
static int check_signals(void) {
  sigset_t mask, pending;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  sigpending(&pending);
  stack_t stack;
  sigaltstack(NULL, &stack);
  printf("stack: flags %x\n", stack.ss_flags);
  for (int s = 1; s <= 64; s++) {
    struct sigaction old;
    if (s == 32 || s == 33 || sigaction(s, NULL, &old) != 0) continue;
    const char *what = old.sa_handler == SIG_DFL ? "" : old.sa_handler == SIG_IGN ? " ignored" : " handled";
    if (*what || sigismember(&mask, s) || sigismember(&pending, s))
      printf("%d:%s%s%s\n", s, what, sigismember(&mask, s) ? " blocked" : "",
             sigismember(&pending, s) ? " pending" : "");
  }
  raise(SIGSEGV);
  sigpending(&pending);
  printf("still there: %d\n", sigismember(&pending, SIGSEGV));
  fflush(stdout);
  sigemptyset(&mask);
  sigaddset(&mask, SIGSEGV);
  sigprocmask(SIG_UNBLOCK, &mask, NULL);
  printf("ignored: SEGV\n");
  sigaddset(&mask, SIGBUS);
  fflush(stdout);
  sigprocmask(SIG_UNBLOCK, &mask, NULL);
  return 1;
}

static void script(const char *path, const char *first, const char *rest) {
  static char text[4096];
  snprintf(text, sizeof text, "#!%s%s\nthe rest is not read\n", first, rest);
  write_file(path, text);
  chmod(path, 0755);
}

static void scripts(void) {
  char *argv[] = {"its own name", "one", "two", NULL}, *none[] = {NULL};
  script("plain", self, "");
  run("./plain", argv, none);
  script("with", self, " report  and more \t");
  run("./with", argv, none);
  script("blanks", "  ", "\t ");
  run("./blanks", argv, none);
  char spaced[300];
  snprintf(spaced, sizeof spaced, " \t%s\treport", self);
  script("spaced", spaced, "");
  run("./spaced", argv, none);
  script("nested", "./with", "");
  run("./nested", argv, none);
  script("nested2", "./nested", " argument");
  run("./nested2", argv, none);
  run("./nested2", none, none);
}

static void native(void) {
  char *argv[] = {"sh", "-c", "echo \"$0 $1 $A\"; kill -TERM $$", "zero", "one", NULL};
  char *environment[] = {"A=1", NULL};
  run("/bin/sh", argv, environment);
  write_file("script", "#!/bin/sh -e\necho from a script: $1\nfalse\nexit 7\n");
  chmod("script", 0755);
  char *args[] = {"x", "argument", NULL};
  run("./script", args, environment);
}

static void try(const char *what, const char *path, char **argv, char **envp) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    long long result = raw(execve, (void *)path, (uintptr_t)argv, (uintptr_t)envp);
    printf("%s: %s\n", what, outcome(result));
    exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (status) printf("%s: status %x\n", what, status);
}

static void errors(void) {
  char *argv[] = {self, "report", NULL}, *none[] = {NULL};
  try("absent", "absent", argv, none);
  try("empty", "", argv, none);
  try("a directory", ".", argv, none);
  write_file("text", "no program");
  try("not executable", "text", argv, none);
  chmod("text", 0755);
  try("no program", "text", argv, none);
  write_file("nothing", "");
  chmod("nothing", 0755);
  try("an empty file", "nothing", argv, none);
  write_file("elf", "\177ELF, but only so far");
  chmod("elf", 0755);
  try("a broken one", "elf", argv, none);
  try("below a file", "text/program", argv, none);
  symlink("loop", "loop");
  try("a loop", "loop", argv, none);
  mkfifo("fifo", 0755);
  try("a pipe", "fifo", argv, none);
  try("a device", "/dev/null", argv, none);
  static char name[5000];
  memset(name, 'n', sizeof name - 1);
  try("a long name", name, argv, none);
  name[300] = 0;
  try("a long component", name, argv, none);
  try("a bad path", BAD, argv, none);
  try("no path", NULL, argv, none);
  try("bad arguments", self, BAD, none);
  try("a bad environment", self, argv, BAD);
  char *bad[] = {self, BAD, NULL};
  try("a bad argument", self, bad, none);
  try("a bad variable", self, argv, bad);
  try("bad arguments for the absent", "absent", BAD, none);
  try("no arguments, of a native program", "/bin/true", NULL, NULL);
  RAW(raw(execveat, -1, (void *)"program", (uintptr_t)argv, (uintptr_t)none, 0));
  RAW(raw(execveat, AT_FDCWD, (void *)"", (uintptr_t)argv, (uintptr_t)none, 0));
  RAW(raw(execveat, AT_FDCWD, (void *)self, (uintptr_t)argv, (uintptr_t)none, 0x40000000));
  RAW(raw(execveat, -1, (void *)"", (uintptr_t)argv, (uintptr_t)none, AT_EMPTY_PATH));
  symlink(self, "link");
  RAW(raw(execveat, AT_FDCWD, (void *)"link", (uintptr_t)argv, (uintptr_t)none,
          AT_SYMLINK_NOFOLLOW));
}

static void errors_of_scripts(void) {
  char *argv[] = {"x", "y", NULL}, *none[] = {NULL};
  script("absent_interpreter", "/absent/interpreter", "");
  try("absent interpreter", "./absent_interpreter", argv, none);
  script("self_interpreter", "./self_interpreter", "");
  try("its own interpreter", "./self_interpreter", argv, none);
  script("a0", self, " report");
  char name[3] = "a0", before[5];
  for (int i = 1; i < 8; i++) {
    snprintf(before, sizeof before, "./%s", name);
    name[1] = (char)('0' + i);
    script(name, before, "");
    char path[5];
    snprintf(path, sizeof path, "./%s", name);
    try(name, path, argv, none);
  }
  script("not_executable", self, "");
  chmod("not_executable", 0644);
  try("not executable", "./not_executable", argv, none);
  write_file("data", "text");
  script("data_interpreter", "./data", "");
  try("an interpreter that is not executable", "./data_interpreter", argv, none);
}

static char *repeated(size_t length) {
  char *text = malloc(length + 1);
  memset(text, 'x', length);
  text[length] = 0;
  return text;
}

static void large(void) {
  // The limits are those of the stack.
  struct rlimit limit = {8 << 20, RLIM_INFINITY};
  setrlimit(RLIMIT_STACK, &limit);
  char *none[] = {NULL};
  char *longest[] = {self, "length", repeated(131071), NULL};
  run(self, longest, none);
  char *longer[] = {self, "length", repeated(131072), NULL};
  try("too long", self, longer, none);
  char **most = malloc(1000 * sizeof *most);
  char *tenth = repeated(100000);
  most[0] = self, most[1] = "length";
  for (int i = 2; i < 20; i++) most[i] = tenth;
  most[20] = NULL;
  run(self, most, none);
  for (int i = 2; i < 40; i++) most[i] = tenth;
  most[40] = NULL;
  try("too many", self, most, none);
  try("too large an environment", self, none, most);
  char **pointers = malloc(300001 * sizeof *pointers);
  for (int i = 0; i < 300000; i++) pointers[i] = "";
  pointers[300000] = NULL;
  try("too many pointers", self, pointers, none);
}
static int length(int argc, char **argv) {
  size_t sum = 0;
  for (int i = 2; i < argc; i++) sum += strlen(argv[i]);
  printf("%d arguments of %d bytes\n", argc - 2, (int)sum);
  fflush(stdout);
  return 0;
}

static void by_descriptor(void) {
  char *argv[] = {self, "report", NULL}, *none[] = {NULL};
  int fd = open(self, O_RDONLY);
  int path = open(self, O_PATH);
  for (int i = 0; i < 2; i++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      raw(execveat, i ? path : fd, (void *)"", (uintptr_t)argv, (uintptr_t)none, AT_EMPTY_PATH);
      _exit(99);
    }
    show("by descriptor", child);
  }
  script("with", self, " report");
  int directory = open(".", O_PATH | O_DIRECTORY);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    raw(execveat, directory, (void *)"with", (uintptr_t)argv, (uintptr_t)none, 0);
    _exit(99);
  }
  show("a script in a directory", child);
  RAW(raw(execveat, fd, (void *)"x", (uintptr_t)argv, (uintptr_t)none, 0));
}

static void after_vfork(void) {
  char *argv[] = {self, "sleep", NULL}, *none[] = {NULL};
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  fflush(stdout);
#ifdef __wasm__
  pid_t child = (pid_t)raw(vfork);
#else
  pid_t child = vfork();
#endif
  if (child == 0) {
    struct timespec wait = {0, 100000000};
    nanosleep(&wait, NULL);
    *shared = 1;
    execve(self, argv, none);
    _exit(99);
  }
  CHECK(*shared == 1);
  // For the program's end, which is far, nobody waits.
  LIBC(waitpid(child, NULL, WNOHANG));
  kill(child, SIGKILL);
  show("sleeper", child);
}

static void attributes(void) {
  // What stays: ids, the working directory, the mask for files, limits, timers.
  char parent[16];
  snprintf(parent, sizeof parent, "%d", getpid());
  mkdir("below", 0755);
  umask(0123);
  chdir("below");
  struct rlimit limit = {123, 123};
  setrlimit(RLIMIT_NOFILE, &limit);
  char *argv[] = {self, "check_attributes", parent, NULL};
  execv(self, argv);
}
static int check_attributes(char **argv) {
  struct rlimit limit;
  char path[4096];
  getcwd(path, sizeof path);
  CHECK(getpid() == atoi(argv[2]));
  CHECK(umask(0) == 0123);
  CHECK(strcmp(path + strlen(path) - 6, "/below") == 0);
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 123);
  fflush(stdout);
  return 0;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*test)(void);
  } tests[] = {
      {"arguments", arguments},
      {"many", many},
      {"descriptors", descriptors},
      {"signals", signals},
      {"scripts", scripts},
      {"native", native},
      {"errors", errors},
      {"errors_of_scripts", errors_of_scripts},
      {"large", large},
      {"by_descriptor", by_descriptor},
      {"after_vfork", after_vfork},
      {"attributes", attributes},
  };
  self = argv[0];
  if (argc < 2) return 1;
  // Scripts put their own arguments in front.
  for (int i = 1; i < argc; i++)
    if (strncmp(argv[i], "report", 6) == 0) return report(argc, argv);
  if (strncmp(argv[1], "./", 2) == 0) return report(argc, argv);
  if (strcmp(argv[1], "check_descriptors") == 0) return check_descriptors(argv);
  if (strcmp(argv[1], "check_signals") == 0) return check_signals();
  if (strcmp(argv[1], "check_attributes") == 0) return check_attributes(argv);
  if (strcmp(argv[1], "length") == 0) return length(argc, argv);
  if (strcmp(argv[1], "sleep") == 0) {
    struct timespec wait = {1000, 0};
    return nanosleep(&wait, NULL);
  }
  if (strcmp(argv[1], "count") == 0) {
    int left = atoi(argv[2]);
    printf("%d\n", left);
    fflush(stdout);
    if (left == 0) return 3;
    char next[16];
    snprintf(next, sizeof next, "%d", left - 1);
    char *args[] = {self, "count", next, NULL};
    execv(self, args);
    return 4;
  }
  for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++)
    if (strcmp(argv[1], tests[i].name) == 0) tests[i].test();
  // These name the program, which has another name in each world.
  static const char *const named[] = {"link", "plain", "with", "blanks", "spaced", "a0", "not_executable"};
  for (unsigned i = 0; i < sizeof named / sizeof *named; i++) unlink(named[i]);
  return 0;
}
