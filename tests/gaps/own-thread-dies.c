// All threads ignore what the program ignores.
#include <dirent.h>

#include "gap.h"

static void sends(void) {
  signal(SIGSEGV, SIG_IGN);
  DIR *tasks = opendir("/proc/self/task");
  for (struct dirent *entry; tasks && (entry = readdir(tasks));)
    if (entry->d_name[0] != '.') syscall(SYS_tgkill, getpid(), atoi(entry->d_name), SIGSEGV);
  usleep(500000);
}

int main(void) {
  LINUX(IN_CHILD(sends()) == 0);
  return gap_found;
}
