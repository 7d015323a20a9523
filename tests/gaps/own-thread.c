// A program with one thread has one.
#include <dirent.h>

#include "gap.h"

int main(void) {
  int count = 0;
  DIR *tasks = opendir("/proc/self/task");
  for (struct dirent *entry; tasks && (entry = readdir(tasks));) count += entry->d_name[0] != '.';
  LINUX(count == 1);
  return gap_found;
}
