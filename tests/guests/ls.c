// Lists directories sorted by name, with types, modes, sizes and link targets.
//
// cases:
//   here:
//     files:
//       b.txt: "hello"
//       a.txt: { text: "x", mode: 0o600 }
//       sub: { dir: true, mode: 0o750 }
//       sub/inner: "12345"
//       to-a: { link: a.txt }
//       dangling: { link: nowhere/at/all }
//       queue: { fifo: true }
//   named:
//     args: [sub, sub/deep, a.txt]
//     files: { sub/one: "1", sub/two: "22", sub/deep/three: "333", a.txt: "" }
//     status: 1
//   many:
//     args: ["."]
//     env: { MANY: "700" }
#include <dirent.h>

#include "common.h"

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static char type_of(mode_t mode) {
  return S_ISDIR(mode)    ? 'd'
         : S_ISLNK(mode)  ? 'l'
         : S_ISREG(mode)  ? '-'
         : S_ISFIFO(mode) ? 'p'
         : S_ISCHR(mode)  ? 'c'
         : S_ISBLK(mode)  ? 'b'
         : S_ISSOCK(mode) ? 's'
                          : '?';
}

static int list(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    fprintf(stderr, "ls: %s: %s\n", path, error_name(errno));
    return 1;
  }
  printf("%s:\n", path);
  char **names = NULL;
  size_t count = 0, room = 0;
  // Small enough that a directory of many files takes several calls.
  static char buffer[4096] __attribute__((aligned(8)));
  ssize_t got;
  while ((got = getdents64(fd, buffer, sizeof buffer)) > 0) {
    for (ssize_t at = 0; at < got;) {
      struct dirent64 *entry = (struct dirent64 *)(buffer + at);
      if (count == room) names = realloc(names, (room = room * 2 + 8) * sizeof *names);
      names[count++] = strdup(entry->d_name);
      at += entry->d_reclen;
    }
  }
  if (got < 0) die("getdents64");
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    struct stat st;
    if (fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) != 0) die(names[i]);
    // What a directory's size or number of links means is the file system's business.
    long long size = S_ISDIR(st.st_mode) ? 0 : (long long)st.st_size;
    printf("%c%04o %6lld %s", type_of(st.st_mode), st.st_mode & 07777, size, names[i]);
    if (S_ISLNK(st.st_mode)) {
      char target[256];
      ssize_t length = readlinkat(fd, names[i], target, sizeof target);
      printf(" -> %.*s", (int)length, target);
    }
    putchar('\n');
    free(names[i]);
  }
  free(names);
  return close(fd) != 0;
}

int main(int argc, char **argv) {
  const char *many = getenv("MANY");
  for (int i = many ? atoi(many) : 0; i > 0; i--) {
    char name[64];
    snprintf(name, sizeof name, "file-number-%d", i);
    write_file(name, name);
  }
  int status = 0;
  if (argc == 1) return list(".");
  for (int i = 1; i < argc; i++) status |= list(argv[i]);
  return status;
}
