// Vectored input and output with everything wrong: what the kernel looks at first decides.
#include <sys/uio.h>

#include "common.h"

int main(void) {
  static char text[4096 + 1];
  static struct iovec many[1025];
  for (int i = 0; i < 1025; i++) many[i] = (struct iovec){text, 1};
  int ends[2];
  if (pipe2(ends, O_NONBLOCK) != 0) die("pipe");
  int none = 0x7fff, dir = open(".", O_RDONLY);

  puts("-- the descriptor comes first");
  RAW(raw(writev, none, BAD, 1));
  RAW(raw(writev, none, BAD, 1025));
  RAW(raw(writev, none, BAD, -1));
  RAW(raw(readv, none, BAD, 1));
  RAW(raw(writev, ends[0], BAD, 1));
  RAW(raw(readv, ends[1], BAD, 1));
  RAW(raw(readv, dir, BAD, 1));
  RAW(raw(preadv, none, BAD, 1, 0LL, 0LL));
  RAW(raw(preadv, ends[0], BAD, 1, 0LL, 0LL));
  RAW(raw(preadv, ends[0], BAD, 1, -1LL, -1LL));

  puts("-- then the count, then the array");
  RAW(raw(writev, ends[1], BAD, 1025));
  RAW(raw(writev, ends[1], many, 1025));
  RAW(raw(writev, ends[1], many, -1));
  RAW(raw(writev, ends[1], many, 0x7fffffff));
  RAW(raw(writev, ends[1], BAD, 0));
  RAW(raw(writev, ends[1], NULL, 0));
  RAW(raw(writev, ends[1], NULL, 1));
  RAW(raw(writev, ends[1], BAD, 1));
  RAW(raw(writev, ends[1], many, 1024));
  RAW(raw(readv, ends[0], many, 1024));

  puts("-- then the pieces");
  struct iovec pieces[9] = {{text, 3}, {BAD, 3}, {text, 3}};
  RAW(raw(writev, ends[1], pieces, 3));
  RAW(raw(read, ends[0], text, sizeof text));
  pieces[1] = (struct iovec){NULL, 0};
  RAW(raw(writev, ends[1], pieces, 3));
  RAW(raw(read, ends[0], text, sizeof text));
  pieces[1].iov_base = BAD;
  RAW(raw(writev, ends[1], pieces, 3));
  RAW(raw(read, ends[0], text, sizeof text));
  pieces[1].iov_len = (size_t)-1;
  RAW(raw(writev, ends[1], pieces, 3));
  for (int i = 0; i < 9; i++) pieces[i] = (struct iovec){text + i, 1};
  memcpy(text, "abcdefghi", 9);
  RAW(raw(writev, ends[1], pieces, 8));
  RAW(raw(writev, ends[1], pieces, 9));
  for (int i = 0; i < 9; i++) pieces[i].iov_base = text + 8 - i;
  RAW(raw(readv, ends[0], pieces, 9));
  printf("%.9s\n", text);
  RAW(raw(read, ends[0], text, sizeof text));

  puts("-- an array that ends in nothing");
  char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(edge + 4096, 4096, PROT_NONE);
  struct iovec *last = (struct iovec *)(edge + 4096) - 2;
  last[0] = last[1] = (struct iovec){text, 2};
  RAW(raw(writev, ends[1], last, 2));
  RAW(raw(writev, ends[1], last, 3));
  RAW(raw(read, ends[0], text, sizeof text));
  return 0;
}
