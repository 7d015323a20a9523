// The memory of processes by every spelling of /proc/PID/mem, by every call that opens.
#include "hostile.h"

static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_PATH, O_RDWR | O_CLOEXEC,
                            O_RDONLY | O_NOFOLLOW, O_PATH | O_NOFOLLOW, O_RDWR | O_TRUNC};
#define MODES (int)(sizeof modes / sizeof *modes)

static void every_call(int dirfd, const char *path) {
  char what[200];
  for (int i = 0; i < MODES; i++) {
    snprintf(what, sizeof what, "openat(%d, %s, %x)", dirfd, path, modes[i]);
    must(what, raw(openat, dirfd, path, modes[i], 0), -EACCES);
    struct { unsigned long long flags, mode, resolve; } how = {modes[i], 0, 0};
    snprintf(what, sizeof what, "openat2(%d, %s, %x)", dirfd, path, modes[i]);
    must(what, raw(openat2, dirfd, path, (void *)&how, sizeof how), -EACCES);
    if (dirfd != AT_FDCWD) continue;
    snprintf(what, sizeof what, "open(%s, %x)", path, modes[i]);
    must(what, raw(open, path, modes[i], 0), -EACCES);
  }
  if (dirfd == AT_FDCWD) {
    snprintf(what, sizeof what, "creat(%s)", path);
    must(what, raw(creat, path, 0600), -EACCES);
  }
}

int main(void) {
  char path[200];
  int pid = getpid();
  const char *names[] = {"/proc/self/mem", "/proc/thread-self/mem", "//proc//self//mem",
                         "/proc/./self/../self/./mem", "/proc/self/task/../mem",
                         "/proc/self/cwd/../../../../../../../proc/self/mem"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) every_call(AT_FDCWD, names[i]);
  for (int i = 0; i < 3; i++) {
    const char *formats[] = {"/proc/%d/mem", "/proc/%d/task/%d/mem", "/proc/self/task/%d/mem"};
    snprintf(path, sizeof path, formats[i], pid, pid);
    every_call(AT_FDCWD, path);
  }
  snprintf(path, sizeof path, "/proc/%d/mem", getppid());
  every_call(AT_FDCWD, path);

  // Links, folders, descriptors of folders.
  HOLDS(symlink("/proc/self/mem", "link") == 0);
  HOLDS(symlink("/proc/self", "self") == 0);
  HOLDS(symlink("self/mem", "chain") == 0);
  // Their last step is the link itself when links are not followed.
  const char *links[] = {"link", "chain"};
  for (int i = 0; i < 2; i++) {
    MUST(raw(open, links[i], O_RDWR, 0), -EACCES);
    MUST(raw(openat, AT_FDCWD, links[i], O_PATH, 0), -EACCES);
    MUST(raw(open, links[i], O_RDWR | O_NOFOLLOW, 0), -ELOOP);
  }
  every_call(AT_FDCWD, "self/mem");
  int folder = open("/proc/self", O_RDONLY | O_DIRECTORY);
  int place = open("/proc/self/task", O_PATH);
  HOLDS(folder >= 0 && place >= 0);
  every_call(folder, "mem");
  every_call(folder, "./task/../mem");
  every_call(place, "../mem");
  HOLDS(fchdir(folder) == 0);
  every_call(AT_FDCWD, "mem");
  HOLDS(chdir("/proc") == 0);
  every_call(AT_FDCWD, "self/mem");
  snprintf(path, sizeof path, "%d/mem", pid);
  every_call(AT_FDCWD, path);

  // Handles, detached mounts, and links to it: none of these can be had of procfs, or they
  // are looked at.
  unsigned handle[40] = {128};
  int mount;
  if (raw(name_to_handle_at, AT_FDCWD, "/proc/self/mem", handle, &mount, 0) == 0)
    FAILS(raw(open_by_handle_at, folder, handle, O_RDWR));
  FAILS(raw(open_tree, AT_FDCWD, "/proc/self/mem", 0));
  FAILS(raw(open_tree, AT_FDCWD, "/proc/self/mem", 1));
  FAILS(raw(link, "/proc/self/mem", "/tmp/hard-link-to-memory"));
  FAILS(raw(truncate, "/proc/self/mem", 0) - 1);
  FAILS(raw(chmod, "/proc/self/mem", 0644));
  FAILS(raw(chmod, "/proc/self/mem", 0400));

  // A copy by name, in the kernel.
  FAILS(raw(sendfile, 1, raw(open, "/proc/self/mem", O_RDONLY, 0), 0, 16));

  // By the numbers of descriptors: whatever is there, none is memory.
  for (int fd = 0; fd < 4096; fd++) {
    char text[200];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    long long length = raw(readlink, path, text, sizeof text - 1);
    if (length < 0) continue;
    text[length] = 0;
    HOLDS(length < 4 || strcmp(text + length - 4, "/mem") != 0);
  }

  // The kernel's own memory, and the machine's.
  const char *devices[] = {"/dev/mem", "/dev/kmem", "/proc/kcore"};
  for (int i = 0; i < 3; i++) FAILS(raw(open, devices[i], O_RDONLY, 0));
  if (geteuid() == 0) {
    HOLDS(chdir("/tmp") == 0);
    if (raw(mknod, "memory-device", S_IFCHR | 0600, 1 << 8 | 1) == 0) {
      FAILS(raw(open, "memory-device", O_RDONLY, 0));
      // Kernels without the device have nothing to open, but a name that can be held.
      MUST(raw(open, "memory-device", O_PATH, 0), -EACCES);
      unlink("memory-device");
    }
    // Devices that take addresses in what is written to them, or, like CUSE's, in answers.
    static const struct { const char *name; unsigned major, minor; } taking[] = {
        {"cuse", 10, 203}, {"uhid", 10, 239}, {"sg0", 21, 0}, {"msr", 202, 0},
        {"uverbs0", 231, 192}};
    for (unsigned i = 0; i < sizeof taking / sizeof *taking; i++) {
      if (raw(mknod, taking[i].name, S_IFCHR | 0600, taking[i].major << 8 | taking[i].minor)) continue;
      must(taking[i].name, raw(open, taking[i].name, O_PATH, 0), -EACCES);
      unlink(taking[i].name);
    }
    // Others with numbers that the kernel gives out are looked up, and stay open.
    if (raw(mknod, "dynamic", S_IFCHR | 0600, (256 & 255) | 10 << 8 | 1 << 20) == 0) {
      HOLDS(raw(open, "dynamic", O_PATH, 0) >= 0);
      unlink("dynamic");
    }
  }

  // What is harmless stays open: it shows, but nothing can be changed by it.
  const char *harmless[] = {"/proc/self/status", "/proc/self/maps", "/proc/meminfo",
                            "/proc/self/environ", "/proc/self/comm", "/proc/self/limits",
                            "/proc/self/oom_score_adj", "/proc/self/coredump_filter", "/dev/zero",
                            "/proc/self/exe"};
  for (unsigned i = 0; i < sizeof harmless / sizeof *harmless; i++) {
    long long fd = raw(open, harmless[i], O_RDONLY, 0);
    if (fd < 0) must(harmless[i], fd, 0);
  }
  // The same mode as memory, in the same file system.
  if (geteuid() == 0) HOLDS(raw(open, "/proc/sys/kernel/cad_pid", O_RDONLY, 0) >= 0);
  return broken;
}
