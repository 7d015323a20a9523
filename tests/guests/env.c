// Prints the environment, sorted, and looks a few names up.
//
// cases:
//   empty: { stdout: "PATH-LIKE: none\nEMPTY: none\n" }
//   some:
//     env: { ZED: last, ALPHA: first, EMPTY: "", PATH-LIKE: "/a:/b=c", SPACES: " two words " }
//   many: { env: { LONG: "0123456789012345678901234567890123456789012345678901234567890123456789" } }
#include "common.h"

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

extern char **environ;

int main(void) {
  size_t count = 0;
  while (environ[count]) count++;
  qsort(environ, count, sizeof *environ, by_name);
  for (size_t i = 0; i < count; i++) puts(environ[i]);
  const char *path = getenv("PATH-LIKE"), *empty = getenv("EMPTY");
  printf("PATH-LIKE: %s\nEMPTY: %s\n", path ? path : "none", empty ? empty : "none");
  return 0;
}
