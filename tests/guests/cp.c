// Copies a file with its holes, permissions and times, like cp --sparse --preserve.
//
// cases:
//   plain: { args: [a, b], files: { a: { text: "content\n", mode: 0o640 } } }
//   replaces: { args: [a, b], files: { a: "short", b: { text: "longer", repeat: 5000 } } }
//   empty: { args: [a, b], files: { a: "" } }
//   large: { args: [a, b], files: { a: { text: "0123456789abcdef", repeat: 50000 } } }
//   sparse: { args: ["--make-sparse", a, b] }
//   missing: { args: [a, b], status: 1 }
//   into_directory: { args: [a, d], files: { a: "x", d: { dir: true } }, status: 1 }
#include "common.h"

// Data, a hole of a megabyte, data, and a hole at the end.
static void make_sparse(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd < 0) die(path);
  if (pwrite(fd, "head", 4, 0) != 4 || pwrite(fd, "middle", 6, 1 << 20) != 6) die(path);
  if (ftruncate(fd, (3LL << 20) + 123) != 0) die(path);
  close(fd);
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "--make-sparse") == 0) {
    argv++, argc--;
    make_sparse(argv[1]);
  }
  if (argc != 3) return 2;
  struct stat st;
  int from = open(argv[1], O_RDONLY);
  if (from < 0 || fstat(from, &st) != 0) die(argv[1]);
  int to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (to < 0) die(argv[2]);
  if (ftruncate(to, st.st_size) != 0) die(argv[2]);

  off_t copied = 0;
  int runs = 0;
  for (off_t data = 0, end; data < st.st_size; data = end) {
    data = lseek(from, data, SEEK_DATA);
    if (data < 0) {
      // Nothing but a hole is left.
      if (errno != ENXIO) die("SEEK_DATA");
      break;
    }
    end = lseek(from, data, SEEK_HOLE);
    if (end < 0) die("SEEK_HOLE");
    runs++;
    for (off_t at = data; at < end;) {
      static char buffer[10000];
      size_t want = end - at < (off_t)sizeof buffer ? (size_t)(end - at) : sizeof buffer;
      ssize_t got = pread(from, buffer, want, at);
      if (got <= 0) die("pread");
      if (pwrite(to, buffer, (size_t)got, at) != got) die("pwrite");
      at += got, copied += got;
    }
  }
  struct timespec times[2] = {{.tv_sec = 1000000000, .tv_nsec = 1},
                              {.tv_sec = (long long)st.st_mtime, .tv_nsec = st.st_mtime_nsec}};
  if (futimens(to, times) != 0 || fchmod(to, st.st_mode & 07777) != 0) die(argv[2]);
  struct stat made;
  if (fstat(to, &made) != 0) die(argv[2]);
  printf("%lld bytes, %lld copied in %d runs\n", (long long)made.st_size, (long long)copied, runs);
  CHECK(made.st_size == st.st_size && made.st_mode == st.st_mode);
  CHECK(made.st_mtime == st.st_mtime && (long long)made.st_mtime_nsec == (long long)st.st_mtime_nsec);
  CHECK(made.st_atime == 1000000000 && made.st_atime_nsec == 1);
  CHECK(made.st_blocks <= st.st_blocks + 8);
  return close(from) != 0 || close(to) != 0;
}
