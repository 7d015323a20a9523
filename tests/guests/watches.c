// inotify: watches, events, and what is wrong with them.
//
// cases:
//   all: { files: { watched/file: "x" } }
#include "common.h"

#ifndef __wasm__
#include <sys/inotify.h>
#endif

static void events(int fd) {
  static char buffer[4096] __attribute__((aligned(8)));
  long long len = raw(read, fd, buffer, sizeof buffer);
  printf("events: %s\n", len < 0 ? outcome(len) : "");
  for (long long at = 0; at < len;) {
    // struct inotify_event: watch, mask, cookie, length, name.
    int watch;
    unsigned head[3];
    memcpy(&watch, buffer + at, 4);
    memcpy(head, buffer + at + 4, 12);
    printf("  watch %d, %#x, %s, \"%s\"\n", watch, head[0], head[1] ? "with a cookie" : "alone", head[2] ? buffer + at + 16 : "");
    at += 16 + head[2];
  }
}

int main(void) {
  CHECK(raw(inotify_init) >= 0);
  RAW(raw(inotify_init1, -1));
  int fd = (int)raw(inotify_init1, IN_NONBLOCK | IN_CLOEXEC);
  RAW(raw(inotify_add_watch, fd, "watched", IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB));
  RAW(raw(inotify_add_watch, fd, "watched/file", IN_MODIFY | IN_DELETE_SELF));
  RAW(raw(inotify_add_watch, fd, "absent", IN_MODIFY));
  RAW(raw(inotify_add_watch, fd, "watched/file", IN_MODIFY | IN_ONLYDIR));
  RAW(raw(inotify_add_watch, fd, "watched", 0));
  RAW(raw(inotify_add_watch, fd, NULL, IN_MODIFY));
  RAW(raw(inotify_add_watch, fd, BAD, IN_MODIFY));
  RAW(raw(inotify_add_watch, 0x7fff, "watched", IN_MODIFY));
  RAW(raw(inotify_add_watch, STDIN_FILENO, "watched", IN_MODIFY));
  events(fd);
  write_file("watched/new", "text");
  write_file("watched/file", "longer text");
  if (rename("watched/new", "watched/moved") != 0) die("rename");
  if (unlink("watched/moved") != 0) die("unlink");
  RAW(raw(read, fd, NULL, 4096));
  RAW(raw(read, fd, BAD, 8));
  events(fd);
  RAW(raw(inotify_rm_watch, fd, 2));
  RAW(raw(inotify_rm_watch, fd, 2));
  RAW(raw(inotify_rm_watch, fd, 99));
  RAW(raw(inotify_rm_watch, STDIN_FILENO, 1));
  RAW(raw(inotify_rm_watch, 0x7fff, 1));
  events(fd);
  return 0;
}
