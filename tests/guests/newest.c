// Calls that came after Linux 6.12, as far as the kernel under it has them.
//
// cases:
//   all: { files: { file: "text", folder: { dir: true } } }
#include <stdint.h>

#include "common.h"

#ifndef __wasm__
// What the C library's headers may be too old for.
#include "wali_native.h"
#endif

#define HERE AT_FDCWD
#define SHOW(name, ...) printf("%s(%s) = %s\n", #name, #__VA_ARGS__, outcome(raw(name, __VA_ARGS__)))

struct args {
  uint64_t value;
  uint32_t size, flags;
};

struct attr {
  uint64_t xflags;
  uint32_t extsize, nextents, projid, cowextsize;
};

static struct args *args(const void *value, uint32_t size, uint32_t flags) {
  static struct args args;
  args = (struct args){(uintptr_t)value, size, flags};
  return &args;
}

static void attributes(void) {
  static char large[8192];
  static char room[64];
  const uint32_t size = sizeof(struct args);
  SHOW(setxattrat, HERE, "file", 0, "user.one", args("value", 5, 0), size);
  SHOW(setxattrat, HERE, "file", 0, "user.one", args("other", 5, 1), size);
  SHOW(setxattrat, HERE, "file", 0, "user.two", args("other", 5, 2), size);
  SHOW(setxattrat, HERE, "file", 0, "user.two", args("", 0, 0), size);
  SHOW(setxattrat, HERE, "file", 0, "user.big", args("", -1, 0), size);
  SHOW(setxattrat, HERE, "file", 0, "user.one", args(BAD, 5, 0), size);
  SHOW(setxattrat, HERE, "file", 0, "user.one", args(NULL, 5, 0), size);
  SHOW(setxattrat, HERE, "file", 0, "user.one", args("v", 1, 99), size);
  SHOW(setxattrat, HERE, "file", 0, BAD, args("v", 1, 0), size);
  SHOW(setxattrat, HERE, BAD, 0, "user.one", args("v", 1, 0), size);
  SHOW(setxattrat, HERE, "file", 0, "user.one", BAD, size);
  SHOW(setxattrat, HERE, "file", 0, "user.one", NULL, size);
  SHOW(setxattrat, HERE, "file", 0, "user.one", args("v", 1, 0), 0);
  SHOW(setxattrat, HERE, "file", 0, "user.one", args("v", 1, 0), size - 1);
  SHOW(setxattrat, HERE, "file", 0x40000000, "user.one", args("v", 1, 0), size);
  SHOW(setxattrat, -1, "file", 0, "user.one", args("v", 1, 0), size);
  SHOW(setxattrat, HERE, "absent", 0, "user.one", args("v", 1, 0), size);
  // A longer structure has to end with zeros.
  memcpy(large, args("long", 4, 0), size);
  SHOW(setxattrat, HERE, "file", 0, "user.long", large, 4096);
  SHOW(setxattrat, HERE, "file", 0, "user.long", large, 4097);
  SHOW(setxattrat, HERE, "file", 0, "user.long", large, -1);
  large[100] = 1;
  SHOW(setxattrat, HERE, "file", 0, "user.long", large, 4096);
  struct args beyond = {(uint64_t)1 << 40, 5, 0};
  SHOW(setxattrat, HERE, "file", 0, "user.one", &beyond, size);

  SHOW(getxattrat, HERE, "file", 0, "user.one", args(room, sizeof room, 0), size);
  printf("%s\n", room);
  SHOW(getxattrat, HERE, "file", 0, "user.one", args(NULL, 0, 0), size);
  SHOW(getxattrat, HERE, "file", 0, "user.one", args(room, 1, 0), size);
  SHOW(getxattrat, HERE, "file", 0, "user.one", args(BAD, 64, 0), size);
  SHOW(getxattrat, HERE, "file", 0, "user.one", args(room, 64, 1), size);
  SHOW(getxattrat, HERE, "file", 0, "user.one", &beyond, size);
  SHOW(getxattrat, HERE, "file", 0, "user.none", args(room, 64, 0), size);
  int fd = open("file", O_RDWR);
  SHOW(getxattrat, fd, "", AT_EMPTY_PATH, "user.one", args(room, 64, 0), size);
  SHOW(getxattrat, fd, NULL, AT_EMPTY_PATH, "user.one", args(room, 64, 0), size);
  SHOW(getxattrat, fd, NULL, 0, "user.one", args(room, 64, 0), size);

  SHOW(listxattrat, HERE, "file", 0, NULL, 0);
  SHOW(listxattrat, HERE, "file", 0, room, sizeof room);
  SHOW(listxattrat, HERE, "file", 0, room, 1);
  SHOW(listxattrat, HERE, "file", 0, BAD, 64);
  SHOW(removexattrat, HERE, "file", 0, "user.one");
  SHOW(removexattrat, HERE, "file", 0, "user.one");
  SHOW(removexattrat, HERE, "file", 0, BAD);
  SHOW(removexattrat, fd, "", AT_EMPTY_PATH, "user.two");
}

static void more_attributes(void) {
  struct attr attr;
  memset(&attr, 0xff, sizeof attr);
  const uint32_t size = sizeof attr;
  SHOW(file_getattr, HERE, "file", &attr, size, 0);
  SHOW(file_setattr, HERE, "file", &attr, size, 0);
  SHOW(file_getattr, HERE, "file", &attr, 0, 0);
  SHOW(file_getattr, HERE, "file", &attr, size - 1, 0);
  SHOW(file_getattr, HERE, "file", &attr, 4097, 0);
  SHOW(file_getattr, HERE, "file", &attr, -1, 0);
  SHOW(file_getattr, HERE, "file", BAD, size, 0);
  SHOW(file_getattr, HERE, BAD, &attr, size, 0);
  SHOW(file_getattr, HERE, "absent", &attr, size, 0);
  SHOW(file_getattr, HERE, "file", &attr, size, 1);
  SHOW(file_getattr, -1, "", &attr, size, AT_EMPTY_PATH);
  SHOW(file_setattr, HERE, "file", BAD, size, 0);
  SHOW(file_setattr, HERE, "file", NULL, 0, 0);
  SHOW(file_setattr, HERE, "absent", &attr, size, 0);
}

int main(void) {
  static unsigned long long ids[4];
  static uint32_t words[8] = {sizeof words};
  void *request = words;
  static uint64_t mount_attr[4] = {1};
  attributes();
  more_attributes();
  SHOW(open_tree_attr, HERE, "absent", 0, NULL, 0);
  SHOW(open_tree_attr, HERE, "folder", 0, NULL, 32);
  SHOW(open_tree_attr, HERE, "folder", -1, NULL, 0);
  SHOW(open_tree_attr, HERE, "folder", 0, BAD, 32);
  SHOW(open_tree_attr, HERE, "folder", 0, mount_attr, 8);
  SHOW(open_tree_attr, HERE, "folder", 0, mount_attr, 4097);
  SHOW(open_tree_attr, HERE, BAD, 0, mount_attr, 32);
  SHOW(listns, request, ids, 0, 0);
  SHOW(listns, request, ids, 4, 1);
  SHOW(listns, BAD, ids, 4, 0);
  SHOW(listns, request, BAD, 4, 0);
  SHOW(listns, request, ids, -1, 0);
  printf("rseq_slice_yield() = %s\n", outcome(raw(rseq_slice_yield)));
  SHOW(fchroot, -1, 0);
  SHOW(fchroot, HERE, 1);
  SHOW(fchroot, open("file", O_RDONLY), 0);
  // Only asks whether it could be executed.
  SHOW(execveat, HERE, "file", 0, 0, AT_EXECVE_CHECK);
  SHOW(execveat, HERE, "/bin/sh", 0, 0, AT_EXECVE_CHECK);
  SHOW(fcntl, open("folder", O_RDONLY), F_GETDELEG, (uintptr_t)BAD);
  SHOW(fcntl, -1, F_SETDELEG, 0);
  return 0;
}
