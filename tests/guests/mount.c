// Mounts, in a namespace of one's own; without the right to one, everything else fails alike.
//
// cases:
//   all: { files: { "a/file": "text", "b": { dir: true }, "c": { dir: true }, "name": "" } }
#ifndef __wasm__
#include <linux/mount.h>
#include <sched.h>
#endif

#include "common.h"

#if !defined __wasm__ && !defined SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif
#if !defined __wasm__ && !defined SYS_sysfs
// Newer ISAs have no such call.
#define SYS_sysfs -1
#endif
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 1
#endif

#define SHOW(name, ...) printf("%s(%s) = %s\n", #name, #__VA_ARGS__, outcome(raw(name, __VA_ARGS__)))
#define OPEN(name, ...) printf("%s(%s) = %s\n", #name, #__VA_ARGS__, opened(raw(name, __VA_ARGS__)))

static const char *opened(long long fd) {
  if (fd < 0) return outcome(fd);
  close((int)fd);
  return "open";
}

static int exists(const char *path) { return access(path, F_OK) == 0; }

static void old_calls(void) {
  SHOW(mount, "none", "b", "tmpfs", MS_NOSUID, "size=64k,mode=700");
  SHOW(mount, "none", "b", "tmpfs", 0UL, "size=nonsense");
  SHOW(mount, "none", "b", "no such type", 0UL, NULL);
  SHOW(mount, "none", "b", NULL, 0UL, NULL);
  SHOW(mount, "none", "b", BAD, 0UL, NULL);
  SHOW(mount, "none", "b", "tmpfs", 0UL, BAD);
  SHOW(mount, "none", "absent", "tmpfs", 0UL, NULL);
  SHOW(mount, "none", BAD, "tmpfs", 0UL, NULL);
  SHOW(mount, BAD, "b", "tmpfs", 0UL, NULL);
  SHOW(mount, NULL, NULL, "tmpfs", 0UL, NULL);
  // Options at the end of what is accessible.
  char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page + 4096, 4096);
  strcpy(page + 4096 - 9, "size=64k");
  SHOW(mount, "none", "c", "tmpfs", 0UL, page + 4096 - 9);
  SHOW(umount2, "c", 0);
  SHOW(mount, "a", "c", NULL, MS_BIND, NULL);
  CHECK(exists("c/file"));
  SHOW(mount, "none", "c", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
  printf("%s\n", opened(raw(openat, AT_FDCWD, "c/new", O_CREAT | O_WRONLY, 0600)));
  SHOW(umount2, "c", MNT_DETACH);
  SHOW(umount2, "c", 0);
  SHOW(umount2, "absent", 0);
  SHOW(umount2, BAD, 0);
  SHOW(umount2, "b", 1 << 20);
  SHOW(pivot_root, "a", "a");
  SHOW(pivot_root, "b", BAD);
}

static void new_calls(void) {
  int fs = (int)raw(fsopen, "tmpfs", FSOPEN_CLOEXEC);
  printf("%s\n", fs < 0 ? outcome(fs) : "a context");
  OPEN(fsopen, "no such type", 0);
  OPEN(fsopen, BAD, 0);
  OPEN(fsopen, "tmpfs", 77);
  SHOW(fsconfig, fs, FSCONFIG_SET_STRING, "size", "64k", 0);
  SHOW(fsconfig, fs, FSCONFIG_SET_STRING, "size", NULL, 0);
  SHOW(fsconfig, fs, FSCONFIG_SET_STRING, "size", BAD, 0);
  SHOW(fsconfig, fs, FSCONFIG_SET_STRING, BAD, "64k", 0);
  SHOW(fsconfig, fs, FSCONFIG_SET_FLAG, "nonsense", NULL, 0);
  SHOW(fsconfig, fs, FSCONFIG_SET_FLAG, "ro", "value", 0);
  SHOW(fsconfig, fs, FSCONFIG_SET_BINARY, "size", "64k", 3);
  SHOW(fsconfig, fs, 77, NULL, NULL, 0);
  SHOW(fsconfig, 500, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
  SHOW(fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
  int mount = (int)raw(fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID);
  printf("%s\n", mount < 0 ? outcome(mount) : "a mount");
  OPEN(fsmount, fs, 0, 0);
  OPEN(fsmount, 500, 0, 0);
  SHOW(move_mount, mount, "", AT_FDCWD, "c", MOVE_MOUNT_F_EMPTY_PATH);
  SHOW(move_mount, mount, BAD, AT_FDCWD, "c", MOVE_MOUNT_F_EMPTY_PATH);
  SHOW(move_mount, AT_FDCWD, "a", AT_FDCWD, "c", 0);
  SHOW(move_mount, AT_FDCWD, "c", AT_FDCWD, "b", 1 << 30);
  write_file("a/file", "text");
  OPEN(open_tree, AT_FDCWD, "a", 0);
  OPEN(open_tree, AT_FDCWD, "a", OPEN_TREE_CLONE);
  OPEN(open_tree, AT_FDCWD, "a/file", OPEN_TREE_CLONE);
  OPEN(open_tree, AT_FDCWD, "a", 77);
  OPEN(open_tree, AT_FDCWD, BAD, 0);
  OPEN(fspick, AT_FDCWD, "c", FSPICK_CLOEXEC);
  OPEN(fspick, AT_FDCWD, "a/file", 0);
  OPEN(fspick, AT_FDCWD, "c", 77);

  uint64_t attributes[6] = {MOUNT_ATTR_RDONLY};
  SHOW(mount_setattr, AT_FDCWD, "c", 0, (void *)attributes, 32);
  printf("%s\n", opened(raw(openat, AT_FDCWD, "c/new", O_CREAT | O_WRONLY, 0600)));
  SHOW(mount_setattr, AT_FDCWD, "c", 0, (void *)attributes, 31);
  SHOW(mount_setattr, AT_FDCWD, "c", 0, (void *)attributes, 48);
  SHOW(mount_setattr, AT_FDCWD, "c", 0, (void *)attributes, 5000);
  SHOW(mount_setattr, AT_FDCWD, "c", 0, BAD, 32);
  SHOW(mount_setattr, AT_FDCWD, "c", 1 << 20, (void *)attributes, 32);
  attributes[0] = 1ULL << 50;
  SHOW(mount_setattr, AT_FDCWD, "c", 0, (void *)attributes, 32);
  if (fs >= 0) close(fs);
  if (mount >= 0) close(mount);
}

static void asking(void) {
  struct {
    uint32_t size, spare;
    uint64_t id, parameter;
  } request = {.size = 24, .id = UINT64_MAX};
  uint64_t ids[8];
  static char buffer[4096];
  long long count = raw(listmount, (void *)&request, (void *)ids, 8, 0);
  CHECK(count >= 1);
  SHOW(listmount, (void *)&request, (void *)ids, 0, 0);
  SHOW(listmount, (void *)&request, BAD, 8, 0);
  SHOW(listmount, BAD, (void *)ids, 8, 0);
  SHOW(listmount, (void *)&request, (void *)ids, 8, 1 << 20);
  request.id = count >= 1 ? ids[0] : 1, request.parameter = 3;
  SHOW(statmount, (void *)&request, (void *)buffer, sizeof buffer, 0);
  uint64_t mask, id;
  memcpy(&mask, buffer + 8, 8), memcpy(&id, buffer + 40, 8);
  CHECK(mask == 3 && id == request.id);
  SHOW(statmount, (void *)&request, (void *)buffer, 4, 0);
  SHOW(statmount, (void *)&request, BAD, sizeof buffer, 0);
  SHOW(statmount, BAD, (void *)buffer, sizeof buffer, 0);
  SHOW(statmount, (void *)&request, (void *)buffer, sizeof buffer, 1);
  request.size = 8;
  SHOW(statmount, (void *)&request, (void *)buffer, sizeof buffer, 0);
  request.size = 24, request.id = 7;
  SHOW(statmount, (void *)&request, (void *)buffer, sizeof buffer, 0);

  SHOW(quotactl, 0x800007 << 8, NULL, 0, NULL);
  SHOW(quotactl, 0x800007 << 8, "absent", 0, (void *)buffer);
  SHOW(quotactl, 0x800007 << 8, BAD, 0, (void *)buffer);
  SHOW(quotactl, 77, "absent", 0, (void *)buffer);
  int fd = open(".", O_RDONLY);
  SHOW(quotactl_fd, fd, 77, 0, (void *)buffer);
  SHOW(quotactl_fd, 500, 0x800007 << 8, 0, (void *)buffer);
  close(fd);
  SHOW(sysfs, 3, 0, 0);
  SHOW(sysfs, 1, (uintptr_t) "tmpfs", 0);
  SHOW(sysfs, 1, (uintptr_t) "no such type", 0);
  SHOW(sysfs, 1, (uintptr_t)BAD, 0);
  SHOW(sysfs, 2, 0, (uintptr_t)buffer);
  printf("%s\n", buffer);
  SHOW(sysfs, 2, 100000, (uintptr_t)buffer);
  SHOW(sysfs, 2, 0, (uintptr_t)BAD);
  SHOW(sysfs, 77, 0, 0);
}

int main(void) {
  long long alone = raw(unshare, CLONE_NEWNS);
  if (alone < 0) alone = raw(unshare, CLONE_NEWUSER | CLONE_NEWNS);
  printf("unshare: %s\n", outcome(alone));
  // Nobody else is to see what is mounted.
  if (alone == 0) {
    SHOW(mount, "none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    old_calls();
    new_calls();
  }
  asking();
  return 0;
}
