// The memory of processes under other names: mounts of procfs and of its parts, detached ones,
// another root. Only root can mount; without, there is nothing to try.
#include "hostile.h"

RAWEST(unshare)
RAWEST(fsconfig)

#define NEW_MOUNTS 0x20000
#define BIND 4096
#define PRIVATE_TREE (1 << 18 | 1 << 14)

static void denied(const char *path) {
  int modes[] = {O_RDONLY, O_RDWR, O_PATH};
  for (int i = 0; i < 3; i++) must(path, raw(open, path, modes[i], 0), -EACCES);
}

int main(void) {
  if (geteuid() != 0) return 0;
  // Where containers do not let root have its own mounts, there is nothing to try either.
  if (rawest_unshare(NEW_MOUNTS, 0, 0, 0, 0, 0) != 0) return 0;
  MUST(raw(mount, "none", "/", "", PRIVATE_TREE, NULL), 0);
  HOLDS(mkdir("jail", 0700) == 0 && mkdir("jail/self", 0700) == 0 && mkdir("jail/proc", 0700) == 0);
  HOLDS(mkdir("jail/proc/self", 0700) == 0 && mkdir("jail/fresh", 0700) == 0);
  write_file("jail/file", "");
  write_file("jail/harmless", "");
  MUST(raw(mount, "/proc/self", "jail/self", "", BIND, NULL), 0);
  MUST(raw(mount, "/proc/self/mem", "jail/file", "", BIND, NULL), 0);
  MUST(raw(mount, "/proc/self/status", "jail/harmless", "", BIND, NULL), 0);
  denied("jail/self/mem");
  denied("jail/file");
  int harmless = raw(open, "jail/harmless", O_RDONLY, 0);
  HOLDS(harmless >= 0);

  // Something else where the runtime might look for its own descriptors.
  MUST(raw(mount, "jail", "/proc/self/fd", "", BIND, NULL), 0);
  denied("/proc/self/mem");
  denied("jail/file");
  MUST(raw(umount2, "/proc/self/fd", 0), 0);

  // Detached.
  long long tree = raw(open_tree, AT_FDCWD, "/proc/self", 1);
  if (tree >= 0) {
    MUST(raw(openat, (int)tree, "mem", O_RDWR, 0), -EACCES);
    MUST(raw(openat, (int)tree, "mem", O_PATH, 0), -EACCES);
  }
  FAILS(raw(open_tree, AT_FDCWD, "/proc/self/mem", 1));
  FAILS(raw(open_tree, AT_FDCWD, "jail/file", 0));
  long long context = raw(fsopen, "proc", 0);
  if (context >= 0 && rawest_fsconfig(context, 6, 0, 0, 0, 0) == 0) {
    long long fresh = raw(fsmount, (int)context, 0, 0);
    HOLDS(fresh >= 0);
    MUST(raw(openat, (int)fresh, "self/mem", O_RDWR, 0), -EACCES);
  }
  // An old one, kept from before, and a new one at its place.
  int old = open("/proc", O_RDONLY | O_DIRECTORY);
  if (raw(mount, "proc", "jail/fresh", "proc", 0, NULL) == 0) denied("jail/fresh/self/mem");
  HOLDS(raw(chroot, "jail") == 0 && chdir("/") == 0);
  denied("/self/mem");
  denied("/file");
  MUST(raw(openat, old, "self/mem", O_RDWR, 0), -EACCES);
  // Without procfs at its place, nothing of it can be told apart that might be memory.
  int cad = raw(openat, old, "self/status", O_RDONLY, 0);
  HOLDS(cad >= 0);
  return broken;
}
