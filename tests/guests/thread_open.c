// Opening by name in a process with threads, where the runtime takes another way.
//
// cases:
//   kinds: { args: [kinds] }
//   creating: { args: [creating] }
//   links: { args: [links] }
//   numbers: { args: [numbers] }
//   waiting: { args: [waiting] }
//   limits: { args: [limits] }
//   openat2: { args: [openat2] }
//   together: { args: [together] }
#include <sys/resource.h>
#include <sys/socket.h>

#include "threads.h"

#ifndef O_PATH
#define O_PATH 010000000
#endif
#ifndef O_TMPFILE
#define O_TMPFILE 020200000
#endif

static unsigned forever;
static void *waits(void *argument) {
  wait_while(&forever, 0);
  return argument;
}

// The kernel's O_LARGEFILE, which is 0 in C libraries.
#ifdef __aarch64__
#define LARGEFILE 0400000
#else
#define LARGEFILE 0100000
#endif

// What the runtime does not keep, and what one of the C libraries adds.
#define FORGOTTEN (long long)(O_NOFOLLOW | LARGEFILE)

// Flags under the numbers that guests have, whatever they are here.
static long long as_in_guests(long long flags) {
  static const long long numbers[][2] = {
      {O_DIRECTORY, 0200000}, {O_DIRECT, 040000}, {O_NOFOLLOW, 0400000}};
  long long result = flags & ~(long long)(O_DIRECTORY | O_DIRECT | O_NOFOLLOW);
  for (int i = 0; i < 3; i++)
    if (flags & numbers[i][0]) result |= numbers[i][1];
  return result;
}

// How an open ended: the descriptor's number, what it is and how it was opened.
static void show(const char *what, long long fd) {
  printf("%s: %s", what, outcome(fd));
  struct stat st;
  if (fd >= 0 && fstat((int)fd, &st) == 0)
    printf(", %o, %lld bytes, flags %llo, %lld", st.st_mode, (long long)st.st_size,
           as_in_guests(raw(fcntl, (int)fd, F_GETFL, 0) & ~FORGOTTEN), raw(fcntl, (int)fd, F_GETFD, 0));
  printf("\n");
  if (fd >= 0) close((int)fd);
}
#define SHOW(call) show(#call, raw call)

static void prepare(void) {
  write_file("file", "contents");
  mkdir("folder", 0755);
  write_file("folder/inside", "in");
  if (symlink("file", "link") || symlink("folder/inside", "deep") || symlink("loop", "loop"))
    die("symlink");
  mkfifo("fifo", 0600);
  struct {
    unsigned short family;
    char path[8];
  } name = {AF_UNIX, "socket"};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(fd, (void *)&name, sizeof name);
  close(fd);
}

static void kinds(void) {
  static const char *names[] = {"file",   "folder",        "folder/", "file/",      "missing",
                                "link",   "deep",          "loop",    "socket",     "",
                                "missing/x", "file/x",     "/dev/null", "/proc/self/status",
                                "/proc/self/fd/0", "/", ".", "/dev/tty0x"};
  static const int flags[] = {O_RDONLY,
                              O_WRONLY,
                              O_RDWR | O_CLOEXEC,
                              O_RDONLY | O_NOFOLLOW,
                              O_RDONLY | O_DIRECTORY,
                              O_PATH,
                              O_PATH | O_NOFOLLOW,
                              O_WRONLY | O_APPEND,
                              O_RDWR | O_NONBLOCK,
                              O_RDONLY | O_CREAT,
                              O_WRONLY | O_CREAT | O_EXCL,
                              O_RDONLY | O_CREAT | O_DIRECTORY,
                              3};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    for (unsigned j = 0; j < sizeof flags / sizeof *flags; j++) {
      // Kernels differ, and some things are the system's own.
      if ((flags[j] & O_CREAT && (flags[j] & O_DIRECTORY || names[i][0] == '/'))) continue;
      printf("%s, %llo ", names[i], as_in_guests(flags[j]));
      show("open", raw(open, names[i], flags[j], 0640));
      if (strcmp(names[i], "missing") == 0) raw(unlink, names[i]);
    }
  SHOW((open, NULL, O_RDONLY, 0));
  SHOW((open, BAD, O_RDONLY, 0));
  SHOW((open, BAD, O_WRONLY | O_CREAT, 0600));
  SHOW((open, "/proc/self/mem", O_PATH | O_DIRECTORY, 0));
  int folder = open("folder", O_RDONLY | O_DIRECTORY);
  show("inside", raw(openat, folder, "inside", O_RDONLY, 0));
  show("above", raw(openat, folder, "../file", O_RDONLY, 0));
  show("new", raw(openat, folder, "new", O_RDWR | O_CREAT, 0600));
  SHOW((openat, 77, "inside", O_RDONLY, 0));
  SHOW((openat, -1, "inside", O_RDONLY | O_CREAT, 0600));
  show("in a file", raw(openat, open("file", O_RDONLY), "inside", O_RDONLY, 0));
  static char name[5000];
  memset(name, 'x', sizeof name - 1);
  show("too long", raw(open, name, O_RDONLY, 0));
  show("too long to make", raw(open, name, O_RDWR | O_CREAT, 0600));
  name[300] = 0;
  show("a long part", raw(open, name, O_RDWR | O_CREAT, 0600));
}

static void creating(void) {
  umask(022);
  SHOW((open, "new", O_RDWR | O_CREAT, 0666));
  SHOW((open, "new", O_RDWR | O_CREAT, 0600));
  SHOW((open, "new", O_RDWR | O_CREAT | O_EXCL, 0600));
  SHOW((open, "readable", O_RDWR | O_CREAT, 0400));
  SHOW((creat, "file", 0600));
  SHOW((creat, "made", 0751));
  SHOW((creat, "folder", 0600));
  SHOW((open, "folder", O_RDONLY | O_CREAT, 0600));
  SHOW((open, "folder/inside", O_WRONLY | O_TRUNC, 0));
  SHOW((open, "missing/new", O_RDWR | O_CREAT, 0600));
  SHOW((open, "new2/", O_RDWR | O_CREAT, 0600));
  SHOW((open, ".", O_TMPFILE | O_RDWR, 0600));
  SHOW((open, "file", O_TMPFILE | O_RDWR, 0600));
}

static void links(void) {
  if (symlink("made", "dangling") || symlink("../made2", "folder/dangling") ||
      symlink("dangling3", "dangling2") || symlink("made3", "dangling3") ||
      symlink("missing/made", "astray") || symlink("/nonexistent/made", "far"))
    die("symlink");
  SHOW((open, "dangling", O_RDONLY, 0));
  SHOW((open, "dangling", O_RDWR | O_CREAT | O_EXCL, 0600));
  SHOW((open, "dangling", O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  SHOW((open, "dangling", O_RDWR | O_CREAT, 0640));
  SHOW((open, "dangling", O_RDWR | O_CREAT, 0640));
  SHOW((open, "folder/dangling", O_RDWR | O_CREAT, 0600));
  SHOW((open, "dangling2", O_RDWR | O_CREAT, 0604));
  SHOW((open, "astray", O_RDWR | O_CREAT, 0600));
  SHOW((open, "far", O_RDWR | O_CREAT, 0600));
  SHOW((open, "loop", O_RDWR | O_CREAT, 0600));
  SHOW((open, "link", O_RDWR | O_CREAT, 0600));
  SHOW((open, "link", O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
}

// The lowest number that is free.
static void numbers(void) {
  int fds[4];
  for (int i = 0; i < 4; i++) printf("%d\n", fds[i] = open("file", O_RDONLY));
  close(fds[1]);
  close(0);
  printf("%d\n", open("link", O_RDONLY));
  printf("%d\n", open("folder", O_RDONLY));
  printf("%d\n", open("file", O_RDWR));
  // Each has a position of its own, and contents.
  char bytes[16] = {0};
  CHECK(read(fds[0], bytes, 4) == 4 && read(0, bytes + 4, 8) == 8);
  printf("%s\n", bytes + 4);
}

static unsigned opened;
static void *opens_fifo(void *argument) {
  int fd = open("fifo", O_RDONLY);
  char byte = 0;
  printf("read %lld", (long long)read(fd, &byte, 1));
  printf(" %c\n", byte);
  return argument;
}
static void nothing(int signal) { count_up(&opened), (void)signal; }
static unsigned tid, ended;
static void *opens_in_vain(void *argument) {
  tell(&tid, (unsigned)gettid());
  RAW(raw(open, "fifo", O_RDONLY, 0));
  tell(&ended, 1);
  return argument;
}
static void waiting(void) {
  SHOW((open, "fifo", O_WRONLY | O_NONBLOCK, 0));
  SHOW((open, "fifo", O_RDONLY | O_NONBLOCK, 0));
  SHOW((open, "fifo", O_RDWR | O_CREAT, 0));
  pthread_t thread = start(opens_fifo, NULL);
  int fd = open("fifo", O_WRONLY);
  write(fd, "x", 1);
  join(thread);
  close(fd);
  // A signal ends the wait.
  struct sigaction action = {.sa_handler = nothing};
  sigaction(SIGUSR1, &action, NULL);
  thread = start(opens_in_vain, NULL);
  wait_while(&tid, 0);
  interrupt_until(&ended, 0, thread, (int)tid, SIGUSR1);
  join(thread);
  CHECK(opened > 0);
}

static void limits(void) {
  struct rlimit limit = {40, 40};
  setrlimit(RLIMIT_NOFILE, &limit);
  int last = -1, fd, count = 0;
  while ((fd = open("file", O_RDONLY)) >= 0) last = fd, count++;
  printf("%s\n", error_name(errno));
  // One more is needed than natively, so that the last number may be left.
  CHECK(last >= 38);
  while (last >= 20) close(last--);
  printf("%d\n", open("file", O_RDONLY));
}

struct open_how_ {
  unsigned long long flags, mode, resolve;
};
static void openat2_(const char *what, const char *path, unsigned long long flags,
                     unsigned long long mode, unsigned long long resolve, unsigned size) {
  struct open_how_ how[3] = {{flags, mode, resolve}};
  show(what, raw(openat2, AT_FDCWD, path, (void *)how, size));
}
static void openat2(void) {
  openat2_("plain", "file", O_RDONLY, 0, 0, 24);
  openat2_("no links", "link", O_RDONLY, 0, 4, 24);
  openat2_("no links, none", "file", O_RDWR, 0, 4, 24);
  openat2_("beneath", "folder/inside", O_RDONLY, 0, 8, 24);
  openat2_("not beneath", "../x", O_RDONLY, 0, 8, 24);
  openat2_("absolute", "/dev/null", O_RDONLY, 0, 8, 24);
  openat2_("no magic links", "/proc/self/fd/0", O_RDONLY, 0, 2, 24);
  openat2_("root", "/file", O_RDONLY, 0, 16, 24);
  openat2_("new", "new", O_RDWR | O_CREAT, 0600, 0, 24);
  openat2_("mode for nothing", "file", O_RDONLY, 0600, 0, 24);
  openat2_("unknown flags", "file", 1ull << 40, 0, 0, 24);
  openat2_("unknown limits", "file", O_RDONLY, 0, 1 << 20, 24);
  openat2_("too short", "file", O_RDONLY, 0, 0, 23);
  openat2_("longer", "file", O_RDONLY, 0, 0, 32);
  openat2_("missing", "missing", O_RDONLY, 0, 0, 24);
  SHOW((openat2, AT_FDCWD, "file", BAD, 24));
  SHOW((openat2, AT_FDCWD, "file", NULL, 24));
}

static void *opens_and_closes(void *argument) {
  char name[32];
  int bad = 0;
  snprintf(name, sizeof name, "own%d", (int)(intptr_t)argument);
  for (int i = 0; i < 300; i++) {
    int fd = open(name, O_RDWR | O_CREAT | (i % 2 ? O_TRUNC : O_APPEND), 0600);
    char byte = 0;
    bad += fd < 0 || write(fd, name + 3, 1) != 1 || pread(fd, &byte, 1, 0) != 1 || byte != name[3];
    int copy = dup(fd);
    bad += copy < 0 || close(fd) != 0 || close(copy) != 0;
    fd = open("/proc/self/stat", O_RDONLY);
    bad += fd < 0 || read(fd, &byte, 1) != 1 || close(fd) != 0;
    bad += unlink(name) != 0;
  }
  return (void *)(intptr_t)bad;
}
static void together(void) {
  pthread_t threads[6];
  for (intptr_t i = 0; i < 6; i++) threads[i] = start(opens_and_closes, (void *)i);
  for (int i = 0; i < 6; i++) printf("%d\n", (int)(intptr_t)join(threads[i]));
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  prepare();
  pthread_t other = start(waits, NULL);
#define CASE(name)                                                                                 \
  if (strcmp(argv[1], #name) == 0) name()
  CASE(kinds);
  CASE(creating);
  CASE(links);
  CASE(numbers);
  CASE(waiting);
  CASE(limits);
  CASE(openat2);
  CASE(together);
  tell(&forever, 1);
  join(other);
  return 0;
}
