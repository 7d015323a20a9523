#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv, char **envp) {
  printf("main with its environment: %d %d %d\n", argc, argv[0] != NULL, envp == environ);
  return 3;
}
