// Names in the file system: directories, links, renames, permissions, times; every call
// in its plain and its `at` form. The harness compares the tree left behind.
//
// cases:
//   all: { files: { start: "some content\n", old/inner: "inner\n" } }
#include <dirent.h>

#include "common.h"

// What stat says about a path, without what differs between runs.
static void show(const char *path) {
  struct stat st, link;
  if (lstat(path, &link) != 0) {
    printf("%s: %s\n", path, error_name(errno));
    return;
  }
  printf("%s: mode %o, %d links", path, (unsigned)link.st_mode,
         S_ISDIR(link.st_mode) ? 0 : (int)link.st_nlink);
  if (!S_ISDIR(link.st_mode)) printf(", size %lld", (long long)link.st_size);
  if (stat(path, &st) != 0)
    printf(", leads to %s", error_name(errno));
  else if (st.st_ino != link.st_ino)
    printf(", leads to mode %o", (unsigned)st.st_mode);
  printf("\n");
  CHECK(link.st_blksize > 0 && link.st_uid == geteuid());
}

static void directories(void) {
  LIBC(umask(022));
  LIBC(mkdir("d", 0777));
  LIBC(mkdir("d", 0777));
  LIBC(mkdir("d/e", 0700));
  LIBC(mkdir("absent/x", 0700));
  LIBC(mkdir("start/x", 0700));
  int d = open("d", O_RDONLY | O_DIRECTORY);
  LIBC(mkdirat(d, "f", 0755));
  LIBC(rmdir("d"));
  LIBC(unlink("d/e"));
  LIBC(rmdir("start"));
  LIBC(unlinkat(d, "e", 0));
  LIBC(unlinkat(d, "e", AT_REMOVEDIR));
  LIBC(unlinkat(d, "e", AT_REMOVEDIR));
  LIBC(unlinkat(d, "f", 1));
  LIBC(rmdir("d/f/."));
  LIBC(rmdir("d/f"));
  LIBC(close(d));
  show("d");
}

static void links(void) {
  char target[64];
  LIBC(link("start", "d/hard"));
  LIBC(link("start", "d/hard"));
  LIBC(link("d", "d2"));
  LIBC(symlink("../start", "d/soft"));
  LIBC(symlink("../start", "d/soft"));
  LIBC(symlink("", "d/empty"));
  LIBC(symlink("loop", "loop"));
  LIBC(symlinkat("soft", AT_FDCWD, "d/softer"));
  show("d/hard");
  show("d/soft");
  show("d/softer");
  show("loop");
  memset(target, '#', sizeof target);
  LIBC(readlink("d/soft", target, sizeof target));
  printf("%.10s\n", target);
  LIBC(readlink("d/soft", target, 3));
  LIBC(readlink("start", target, sizeof target));
  LIBC(readlink("d/soft", target, 0));
  int d = open("d", O_RDONLY | O_DIRECTORY);
  LIBC(readlinkat(d, "softer", target, sizeof target));
  LIBC(linkat(AT_FDCWD, "d/soft", AT_FDCWD, "link-to-link", 0));
  LIBC(linkat(AT_FDCWD, "d/soft", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
  LIBC(linkat(AT_FDCWD, "start", AT_FDCWD, "bad-flags", 1 << 30));
  show("link-to-link");
  show("followed");
  LIBC(openat(d, "soft", O_RDONLY | O_NOFOLLOW));
  LIBC(open("loop", O_RDONLY));
  LIBC(unlink("loop"));
  LIBC(unlink("loop"));
  LIBC(unlink("followed"));
  show("start");
  LIBC(close(d));
}

static void renames(void) {
  LIBC(rename("old", "new"));
  LIBC(rename("old", "new"));
  LIBC(rename("new/inner", "new/outer"));
  write_file("a", "this was a");
  write_file("b", "this was b");
  LIBC(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
  LIBC(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
  LIBC(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 1 << 20));
  LIBC(rename("a", "c"));
  LIBC(rename("b", "c/x"));
  LIBC(rename("b", "new"));
  LIBC(rename("new", "b"));
  LIBC(rename("new", "new/below"));
  LIBC(mkdir("filled", 0755));
  write_file("filled/x", "x");
  LIBC(rename("new", "filled"));
  int new = open("new", O_RDONLY | O_DIRECTORY);
  LIBC(renameat(new, "outer", AT_FDCWD, "moved-out"));
  LIBC(renameat(AT_FDCWD, "b", new, "moved-in"));
  LIBC(close(new));
}

static void permissions(void) {
  write_file("m", "modes");
  LIBC(chmod("m", 04711));
  show("m");
  int fd = open("m", O_RDWR);
  LIBC(fchmod(fd, 0640));
  LIBC(fchmodat(AT_FDCWD, "m", 0604, 0));
  show("m");
  LIBC(chmod("absent", 0600));
  LIBC(umask(077));
  write_file("masked", "");
  show("masked");
  LIBC(umask(022));
  LIBC(access("m", F_OK));
  LIBC(access("m", R_OK | W_OK));
  LIBC(access("m", X_OK));
  LIBC(access("absent", F_OK));
  LIBC(access("m", 64));
  LIBC(access("m/x", F_OK));
  LIBC(faccessat(AT_FDCWD, "d", X_OK, 0));
  LIBC(faccessat(AT_FDCWD, "d/soft", F_OK, AT_SYMLINK_NOFOLLOW));
  LIBC(chown("m", getuid(), getgid()));
  LIBC(chown("m", -1, -1));
  LIBC(lchown("d/soft", -1, -1));
  LIBC(fchown(fd, -1, -1));
  LIBC(fchownat(AT_FDCWD, "d/soft", -1, -1, AT_SYMLINK_NOFOLLOW));
  LIBC(fchownat(AT_FDCWD, "m", -1, -1, 1 << 20));
  LIBC(mkfifo("fifo", 0600));
  show("fifo");
  LIBC(close(fd));
}

static void times(void) {
  struct stat st;
  struct timespec times[2] = {{.tv_sec = 123456789, .tv_nsec = 111}, {.tv_nsec = 222}};
  LIBC(utimensat(AT_FDCWD, "m", times, 0));
  LIBC(stat("m", &st));
  printf("%lld.%lld %lld.%lld\n", (long long)st.st_atime, (long long)st.st_atime_nsec,
         (long long)st.st_mtime, (long long)st.st_mtime_nsec);
  // Before 1970 and after 2038.
  times[0].tv_sec = -1, times[1].tv_sec = 5000000000LL;
  times[0].tv_nsec = 0, times[1].tv_nsec = 999999999;
  LIBC(utimensat(AT_FDCWD, "m", times, 0));
  LIBC(stat("m", &st));
  printf("%lld %lld\n", (long long)st.st_atime, (long long)st.st_mtime);
  times[0].tv_nsec = UTIME_OMIT, times[1].tv_nsec = UTIME_NOW;
  LIBC(utimensat(AT_FDCWD, "m", times, 0));
  LIBC(stat("m", &st));
  CHECK((long long)st.st_atime == -1);
  CHECK(st.st_mtime > 1700000000 && st.st_mtime < 5000000000LL);
  times[0].tv_nsec = 1000000000;
  LIBC(utimensat(AT_FDCWD, "m", times, 0));
  LIBC(utimensat(AT_FDCWD, "absent", NULL, 0));
  times[0].tv_nsec = 5, times[0].tv_sec = 77, times[1] = times[0];
  LIBC(utimensat(AT_FDCWD, "d/soft", times, AT_SYMLINK_NOFOLLOW));
  LIBC(lstat("d/soft", &st));
  CHECK(st.st_mtime == 77);
}

static void extended(void) {
  struct statx x;
  memset(&x, 0xff, sizeof x);
  LIBC(statx(AT_FDCWD, "m", 0, STATX_BASIC_STATS, &x));
  struct stat st;
  LIBC(stat("m", &st));
  printf("%o %lld %d\n", x.stx_mode, (long long)x.stx_size, (int)x.stx_nlink);
  CHECK((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
  CHECK(x.stx_ino == st.st_ino && x.stx_uid == st.st_uid && x.stx_mtime.tv_sec == (long long)st.st_mtime);
  LIBC(statx(AT_FDCWD, "d/soft", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x));
  CHECK(S_ISLNK(x.stx_mode));
  LIBC(statx(AT_FDCWD, "", 0, STATX_TYPE, &x));
  LIBC(statx(0x7fff, "", AT_EMPTY_PATH, STATX_TYPE, &x));
  LIBC(statx(AT_FDCWD, "m", 1 << 24, STATX_TYPE, &x));
}

static void working_directory(void) {
  char before[4096], after[4096];
  CHECK(getcwd(before, sizeof before) == before && before[0] == '/');
  LIBC(chdir("d"));
  CHECK(getcwd(after, sizeof after) == after);
  printf("%s\n", strrchr(after, '/'));
  CHECK(strncmp(after, before, strlen(before)) == 0);
  RAW(raw(getcwd, after, 2));
  CHECK(raw(getcwd, after, sizeof after) == (int)strlen(after) + 1);
  write_file("made-inside", "x");
  int up = open("..", O_RDONLY | O_DIRECTORY);
  LIBC(chdir("made-inside"));
  LIBC(chdir("absent"));
  LIBC(fchdir(up));
  LIBC(fchdir(0x7fff));
  CHECK(getcwd(after, sizeof after) && strcmp(after, before) == 0);
  LIBC(close(up));
}

int main(void) {
  directories();
  links();
  renames();
  permissions();
  times();
  extended();
  working_directory();
  return 0;
}
