// Files by other ways than open: openat2, handles, old directory entries, memory in pipes, the
// page cache, secret memory, watching file systems.
//
// cases:
//   all:
//     files:
//       data: { text: "0123456789", repeat: 2000 }
//       "dir/one": "1"
//       "dir/a-longer-name": "2"
//       "dir/sub": { dir: true }
//       "dir/link": { link: "one" }
//       link: { link: "data" }
#ifndef __wasm__
#include <linux/openat2.h>
#include <sys/fanotify.h>
#endif
#include <sys/uio.h>

#include "common.h"

#if !defined __wasm__ && !defined SYS_cachestat
#define SYS_cachestat 451
#endif

static const char *opened(long long fd) {
  if (fd < 0) return outcome(fd);
  close((int)fd);
  return "open";
}

// The names of flags would be printed in two ways.
#define SHOW(name, ...) printf("%s(%s) = %s\n", #name, #__VA_ARGS__, outcome(raw(name, __VA_ARGS__)))
#define OPEN(name, ...) printf("%s(%s) = %s\n", #name, #__VA_ARGS__, opened(raw(name, __VA_ARGS__)))

static void openat2(void) {
  struct {
    uint64_t flags, mode, resolve, more[510];
  } how = {.flags = O_RDONLY};
  void *p = &how;
  OPEN(openat2, AT_FDCWD, "data", p, 24);
  OPEN(openat2, AT_FDCWD, "data", p, 23);
  OPEN(openat2, AT_FDCWD, "data", p, 0);
  OPEN(openat2, AT_FDCWD, "data", p, 40);
  OPEN(openat2, AT_FDCWD, "data", p, 4096);
  OPEN(openat2, AT_FDCWD, "data", p, 4097);
  OPEN(openat2, AT_FDCWD, "data", p, (size_t)-1);
  how.more[1] = 1;
  OPEN(openat2, AT_FDCWD, "data", p, 32);
  OPEN(openat2, AT_FDCWD, "data", p, 40);
  OPEN(openat2, AT_FDCWD, "data", BAD, 24);
  OPEN(openat2, AT_FDCWD, "data", NULL, 24);
  OPEN(openat2, AT_FDCWD, BAD, p, 24);
  OPEN(openat2, 500, "data", p, 24);
  how.flags = O_RDONLY | O_DIRECTORY;
  OPEN(openat2, AT_FDCWD, "data", p, 24);
  OPEN(openat2, AT_FDCWD, "dir", p, 24);
  how.flags = O_RDONLY | O_NOFOLLOW;
  OPEN(openat2, AT_FDCWD, "link", p, 24);
  how.flags = 1ULL << 40;
  OPEN(openat2, AT_FDCWD, "data", p, 24);
  how.flags = O_RDONLY, how.mode = 0600;
  OPEN(openat2, AT_FDCWD, "data", p, 24);
  how.flags = O_WRONLY | O_CREAT;
  OPEN(openat2, AT_FDCWD, "new", p, 24);
  how.mode = 0, how.flags = O_RDONLY, how.resolve = RESOLVE_NO_SYMLINKS;
  OPEN(openat2, AT_FDCWD, "link", p, 24);
  how.resolve = RESOLVE_BENEATH;
  OPEN(openat2, AT_FDCWD, "../work/data", p, 24);
  how.resolve = RESOLVE_IN_ROOT;
  OPEN(openat2, AT_FDCWD, "/../data", p, 24);
  how.resolve = 1 << 20;
  OPEN(openat2, AT_FDCWD, "data", p, 24);
}

static void handles(void) {
  struct {
    uint32_t bytes;
    int type;
    unsigned char handle[128];
  } file = {0};
  int mount = -1;
  void *p = &file;
  SHOW(name_to_handle_at, AT_FDCWD, "data", p, &mount, 0);
  CHECK(file.bytes > 0 && file.bytes <= 128);
  SHOW(name_to_handle_at, AT_FDCWD, "data", p, &mount, 0);
  CHECK(mount >= 0);
  SHOW(name_to_handle_at, AT_FDCWD, "data", p, BAD, 0);
  SHOW(name_to_handle_at, AT_FDCWD, "data", BAD, &mount, 0);
  SHOW(name_to_handle_at, AT_FDCWD, "data", NULL, &mount, 0);
  SHOW(name_to_handle_at, AT_FDCWD, "absent", p, &mount, 0);
  SHOW(name_to_handle_at, AT_FDCWD, "data", p, &mount, 1 << 20);
  SHOW(name_to_handle_at, AT_FDCWD, "link", p, &mount, AT_SYMLINK_FOLLOW);
  int dir = open(".", O_RDONLY | O_DIRECTORY);
  OPEN(open_by_handle_at, dir, p, O_RDONLY);
  OPEN(open_by_handle_at, dir, p, O_RDONLY | O_DIRECTORY);
  OPEN(open_by_handle_at, dir, BAD, O_RDONLY);
  OPEN(open_by_handle_at, dir, NULL, O_RDONLY);
  OPEN(open_by_handle_at, 500, p, O_RDONLY);
  file.bytes = 1000;
  OPEN(open_by_handle_at, dir, p, O_RDONLY);
  SHOW(name_to_handle_at, AT_FDCWD, "data", p, &mount, 0);
  close(dir);
}

#if !defined __wasm__ && !defined SYS_getdents
// Newer ISAs have the newer call alone: its entries in the old form.
static long long old_form(int fd, char *buffer, size_t size) {
  long long length = syscall(SYS_getdents64, fd, buffer, size);
  uint16_t step;
  for (long long at = 0; at < length; at += step) {
    memcpy(&step, buffer + at + 16, 2);
    char kind = buffer[at + 18];
    memmove(buffer + at + 18, buffer + at + 19, step - 19);
    buffer[at + step - 1] = kind;
  }
  return raw_result(length);
}
#define old_entries_of(fd, buffer, size) old_form(fd, buffer, size)
#else
#define old_entries_of(fd, buffer, size) raw(getdents, fd, (void *)buffer, size)
#endif
#define ENTRIES(fd, buffer, size)                                                                 \
  printf("getdents(%s, %s, %s) = %s\n", #fd, #buffer, #size,                                      \
         outcome(old_entries_of(fd, buffer, size)))

static void old_entries(void) {
  char buffer[4096], names[16][32];
  int fd = open("dir", O_RDONLY | O_DIRECTORY), count = 0;
  long long length = old_entries_of(fd, buffer, sizeof buffer);
  CHECK(length > 0);
  for (long long at = 0; at < length;) {
    uint16_t size;
    memcpy(&size, buffer + at + 16, 2);
    snprintf(names[count++], 32, "%s %d", buffer + at + 18, buffer[at + size - 1]);
    at += size;
  }
  for (int i = 0; i < count; i++)
    for (int j = i + 1; j < count; j++)
      if (strcmp(names[i], names[j]) > 0) {
        char swap[32];
        memcpy(swap, names[i], 32), memcpy(names[i], names[j], 32), memcpy(names[j], swap, 32);
      }
  for (int i = 0; i < count; i++) printf("%s\n", names[i]);
  ENTRIES(fd, buffer, sizeof buffer);
  lseek(fd, 0, SEEK_SET);
  ENTRIES(fd, buffer, 10);
  ENTRIES(fd, BAD, 4096);
  ENTRIES(fd, NULL, 4096);
  ENTRIES(500, buffer, 10);
  close(fd);
  fd = open("data", O_RDONLY);
  ENTRIES(fd, buffer, 10);
  close(fd);
}

static void pipes(void) {
  int ends[2];
  char text[] = "first second", back[32] = {0};
  if (pipe2(ends, O_NONBLOCK) != 0) die("pipe2");
  struct iovec parts[3] = {{text, 5}, {text + 5, 7}, {NULL, 0}};
  SHOW(vmsplice, ends[1], parts, 2, 0);
  SHOW(read, ends[0], back, sizeof back);
  printf("%s\n", back);
  SHOW(vmsplice, ends[1], parts, 3, 0);
  memset(back, 0, sizeof back);
  struct iovec into[2] = {{back, 3}, {back + 10, 4}};
  SHOW(vmsplice, ends[0], into, 2, 0);
  printf("%s %s\n", back, back + 10);
  SHOW(vmsplice, ends[1], NULL, 0, 0);
  SHOW(vmsplice, ends[1], BAD, 1, 0);
  parts[0].iov_base = BAD;
  SHOW(vmsplice, ends[1], parts, 1, 0);
  SHOW(vmsplice, ends[1], parts, 2000, 0);
  SHOW(vmsplice, ends[1], parts, 1, 1 << 20);
  SHOW(vmsplice, 500, parts, 1, 0);
  int fd = open("data", O_RDWR);
  SHOW(vmsplice, fd, parts, 1, 0);
  close(fd);
}

static void caches(void) {
  uint64_t range[2] = {0, 0}, stats[5];
  int fd = open("data", O_RDWR);
  memset(stats, 0xff, sizeof stats);
  SHOW(cachestat, fd, (void *)range, (void *)stats, 0);
  CHECK(stats[0] == 5 && stats[3] == 0);
  range[0] = 4096, range[1] = 4096;
  SHOW(cachestat, fd, (void *)range, (void *)stats, 0);
  CHECK(stats[0] == 1);
  SHOW(cachestat, fd, (void *)range, (void *)stats, 1);
  SHOW(cachestat, fd, BAD, (void *)stats, 0);
  SHOW(cachestat, fd, (void *)range, BAD, 0);
  SHOW(cachestat, 500, (void *)range, (void *)stats, 0);
  close(fd);

  SHOW(memfd_secret, 77);
  fd = (int)raw(memfd_secret, 0);
  printf("%s\n", fd < 0 ? outcome(fd) : "secret");
  if (fd >= 0) {
    LIBC(ftruncate(fd, 8192));
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    strcpy(p + 4090, "across pages");
    printf("%s\n", p + 4090);
    LIBC(write(fd, p, 1));
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    LIBC(munmap(p, 8192));
    close(fd);
  }
}

static void watching(void) {
  char event[256];
  int fd = (int)raw(fanotify_init, FAN_REPORT_FID | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);
  printf("%s\n", fd < 0 ? outcome(fd) : "watching");
  OPEN(fanotify_init, FAN_REPORT_FID | 1 << 30, 0);
  OPEN(fanotify_init, FAN_REPORT_FID, 1 << 30);
  SHOW(fanotify_mark, fd, FAN_MARK_ADD, FAN_CREATE | FAN_ONDIR, AT_FDCWD, "dir");
  SHOW(fanotify_mark, fd, FAN_MARK_ADD, 0ULL, AT_FDCWD, "dir");
  SHOW(fanotify_mark, fd, FAN_MARK_ADD, 1ULL << 50, AT_FDCWD, "dir");
  SHOW(fanotify_mark, fd, FAN_MARK_ADD, (uint64_t)FAN_OPEN, AT_FDCWD, BAD);
  SHOW(fanotify_mark, fd, FAN_MARK_ADD, (uint64_t)FAN_OPEN, AT_FDCWD, "absent");
  SHOW(fanotify_mark, 1, FAN_MARK_ADD, (uint64_t)FAN_OPEN, AT_FDCWD, "dir");
  SHOW(read, fd, event, sizeof event);
  mkdir("dir/made", 0700);
  CHECK(fd < 0 || read(fd, event, sizeof event) > 24);
  SHOW(fanotify_mark, fd, FAN_MARK_FLUSH, 0ULL, AT_FDCWD, NULL);
  if (fd >= 0) close(fd);
}

int main(void) {
  openat2();
  handles();
  old_entries();
  pipes();
  caches();
  watching();
  return 0;
}
