// All threads ignore what the program ignores.
#include <dirent.h>

#include "gap.h"

static void sends(void) {
  signal(SIGSEGV, SIG_IGN);
  DIR *tasks = opendir("/proc/self/task");
  int others = -1;
  for (struct dirent *entry; tasks && (entry = readdir(tasks));)
    if (entry->d_name[0] != '.')
      syscall(SYS_tgkill, getpid(), atoi(entry->d_name), SIGSEGV), others++;
  // One that dies takes all with it, at the latest now.
  if (others > 0) sleep(15);
}

int main(void) {
  LINUX(IN_CHILD(sends()) == 0);
  return gap_found;
}
