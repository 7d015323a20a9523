// Ends with the status it is told, in the way it is told.
//
// cases:
//   returns_0: { args: [return, "0"], status: 0 }
//   returns_42: { args: [return, "42"], status: 42 }
//   exits_1: { args: [exit, "1"], status: 1 }
//   exits_wide: { args: [exit, "263"], status: 7 }
//   exits_negative: { args: [exit, "-1"], status: 255 }
//   immediate: { args: [_exit, "3"], status: 3, stdout: "" }
//   group: { args: [group, "9"], status: 9, stdout: "" }
//   group_wide: { args: [group, "4096"], status: 0, stdout: "" }
#include "common.h"

int main(int argc, char **argv) {
  if (argc != 3) return 100;
  int status = atoi(argv[2]);
  printf("flushed only by exit\n");
  if (strcmp(argv[1], "exit") == 0) exit(status);
  if (strcmp(argv[1], "_exit") == 0) _exit(status);
  if (strcmp(argv[1], "group") == 0) raw(exit_group, status);
  return status;
}
