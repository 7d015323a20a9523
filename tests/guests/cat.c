// Copies files, or standard input, to standard output, like cat(1).
//
// cases:
//   stdin: { stdin: "from standard input\n", stdout: "from standard input\n" }
//   files:
//     args: [one, two]
//     files: { one: "first\n", two: "no newline at the end" }
//     stdout: "first\nno newline at the end"
//   dash: { args: [one, "-", one], stdin: "middle\n", files: { one: "outer\n" } }
//   missing: { args: [one, absent, one], files: { one: "still printed\n" }, status: 1 }
//   directory: { args: [sub], files: { sub: { dir: true } }, status: 1 }
//   large: { args: [big], files: { big: { text: "0123456789abcdef", repeat: 20000 } } }
#include "common.h"

static int copy(int fd, const char *name) {
  static char buffer[65536];
  for (;;) {
    ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0) {
      fprintf(stderr, "cat: %s: %s\n", name, error_name(errno));
      return 1;
    }
    if (got == 0) return 0;
    for (ssize_t done = 0; done < got;) {
      ssize_t wrote = write(STDOUT_FILENO, buffer + done, (size_t)(got - done));
      if (wrote < 0) die("standard output");
      done += wrote;
    }
  }
}

int main(int argc, char **argv) {
  int status = 0;
  if (argc == 1) return copy(STDIN_FILENO, "standard input");
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-") == 0) {
      status |= copy(STDIN_FILENO, "standard input");
      continue;
    }
    int fd = open(argv[i], O_RDONLY);
    if (fd < 0) {
      fprintf(stderr, "cat: %s: %s\n", argv[i], error_name(errno));
      status = 1;
      continue;
    }
    status |= copy(fd, argv[i]);
    close(fd);
  }
  return status;
}
