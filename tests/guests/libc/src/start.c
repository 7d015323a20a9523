// Start-up and exit: what stands between the runtime and main.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

char **environ;

// clang calls main `main` if it has parameters and `__main_void` if not; either will do.
__attribute__((weak)) int __main_void(void) { abort(); }
__attribute__((weak)) int __main(int argc, char **argv) __asm__("main");
int __main(int argc, char **argv) {
  (void)argc, (void)argv;
  return __main_void();
}

static char **load_arguments(int argc) {
  char **argv = calloc((size_t)argc + 1, sizeof *argv);
  for (int i = 0; argv && i < argc; i++) {
    argv[i] = malloc((size_t)__cl_get_argv_len(i) + 1);
    if (!argv[i] || __cl_copy_argv((uintptr_t)argv[i], i) != 0) abort();
  }
  return argv;
}

// Splits the lines NAME=VALUE in `text`, which ends with a NUL.
static char **split_environment(char *text) {
  size_t count = 0;
  for (const char *p = text; *p; p++) count += *p == '\n';
  char **list = calloc(count + 2, sizeof *list);
  if (!list) abort();
  size_t next = 0;
  while (*text) {
    char *end = strchr(text, '\n');
    if (end) *end = 0;
    if (strchr(text, '=')) list[next++] = text;
    if (!end) break;
    text = end + 1;
  }
  return list;
}

static char **load_environment(void) {
  static char *empty[1];
  char path[1000];
  struct stat st;
  if (!__get_init_envfile(path, sizeof path) || !path[0]) return empty;
  int fd = open(path, O_RDONLY);
  if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
    if (fd >= 0) close(fd);
    return empty;
  }
  size_t size = (size_t)st.st_size;
  char *mapped = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) abort();
  char *text = malloc(size + 1);
  if (!text) abort();
  memcpy(text, mapped, size);
  text[size] = 0;
  munmap(mapped, size);
  return split_environment(text);
}

void _exit(int status) {
  __proc_exit(status);
  __builtin_unreachable();
}

void exit(int status) {
  fflush(NULL);
  if (__deinit() != 0) fprintf(stderr, "libc: __deinit failed\n"), fflush(NULL);
  _exit(status);
}

void abort(void) { __builtin_trap(); }

__attribute__((export_name("_start"))) void _start(void) {
  if (__init() != 0) _exit(EXIT_FAILURE);
  environ = load_environment();
  int argc = __cl_get_argc();
  char **argv = load_arguments(argc);
  exit(__main(argc, argv));
}
