// Counts lines, words and bytes, like wc(1).
//
// cases:
//   stdin: { stdin: "one two\nthree\n", stdout: "2 3 14\n" }
//   empty: { args: [empty], files: { empty: "" }, stdout: "0 0 0 empty\n" }
//   several:
//     args: [a, b]
//     files: { a: "x\ty  z\n\n", b: { text: "lorem ipsum\n", repeat: 30000 } }
//   missing: { args: [nowhere], status: 1 }
#include "common.h"

struct counts {
  long long lines, words, bytes;
};

static int count(int fd, struct counts *total) {
  static char buffer[16384];
  int in_word = 0;
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) {
    total->bytes += got;
    for (ssize_t i = 0; i < got; i++) {
      char c = buffer[i];
      int space = c == ' ' || (c >= '\t' && c <= '\r');
      total->lines += c == '\n';
      total->words += !space && !in_word;
      in_word = !space;
    }
  }
  return got < 0;
}

int main(int argc, char **argv) {
  struct counts sum = {0};
  int status = 0;
  if (argc == 1) {
    status = count(STDIN_FILENO, &sum);
    printf("%lld %lld %lld\n", sum.lines, sum.words, sum.bytes);
    return status;
  }
  for (int i = 1; i < argc; i++) {
    struct counts one = {0};
    int fd = open(argv[i], O_RDONLY);
    if (fd < 0 || count(fd, &one)) {
      fprintf(stderr, "wc: %s: %s\n", argv[i], error_name(errno));
      status = 1;
      continue;
    }
    close(fd);
    printf("%lld %lld %lld %s\n", one.lines, one.words, one.bytes, argv[i]);
    sum.lines += one.lines, sum.words += one.words, sum.bytes += one.bytes;
  }
  if (argc > 2) printf("%lld %lld %lld total\n", sum.lines, sum.words, sum.bytes);
  return status;
}
