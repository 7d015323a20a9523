// Prints its arguments. argv[0] is the program's path, which differs between worlds.
//
// cases:
//   none: { stdout: "0 arguments\n" }
//   plain: { args: [a, bc, def] }
//   odd: { args: ["", " ", "-v", "--", "--help", "a b", "naïve ☂", "*", "$HOME", "x=y", "tab\there"] }
//   long: { args: [{ text: "long ", repeat: 3000 }] }
#include "common.h"

int main(int argc, char **argv) {
  printf("%d arguments\n", argc - 1);
  for (int i = 1; i < argc; i++) printf("%d: %d <%s>\n", i, (int)strlen(argv[i]), argv[i]);
  return argv[argc] != NULL || argv[0] == NULL || argv[0][0] == 0;
}
