// Arguments, environment, and that what is buffered is written whichever way a program ends.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void at_exit(void) { printf("at exit\n"); }
__attribute__((constructor)) static void constructor(void) { printf("constructor\n"); }
__attribute__((destructor)) static void destructor(void) { printf("destructor\n"); }

int main(int argc, char **argv) {
  atexit(at_exit);
  for (int i = 1; i < argc; i++) printf("%d <%s>\n", i, argv[i]);
  printf("%d %d\n", argv[argc] == NULL, strlen(argv[0]) > 0);
  const char *variable = getenv("VARIABLE"), *empty = getenv("EMPTY");
  printf("%s %s\n", variable ? variable : "none", empty ? "empty" : "none");
  setenv("VARIABLE", "another", 1);
  unsetenv("EMPTY");
  printf("%s %d\n", getenv("VARIABLE"), getenv("EMPTY") == NULL);
  return argc == 2 ? 42 : 0;
}
