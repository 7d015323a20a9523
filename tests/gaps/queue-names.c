// The kernel's mq_open takes a name without its slash.
#include "gap.h"

int main(void) {
  char name[] = "/gap-of-the-emulator";
  // What stands before the name is nobody's business.
  char text[64];
  memset(text, 'x', sizeof text);
  strcpy(text + 8, name + 1);
  long queue = syscall(SYS_mq_open, text + 8, O_RDWR | O_CREAT, 0600, NULL);
  LINUX(queue >= 0);
  if (queue >= 0) LINUX(syscall(SYS_mq_unlink, name + 1) == 0);
  return gap_found;
}
