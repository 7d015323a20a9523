// Calls of System V's IPC with bad addresses are errors, not crashes, and what they tell is so.
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "gap.h"

static int id;
static void receives(void) { LINUX(ERROR_OF(msgrcv(id, BAD, 8, 0, IPC_NOWAIT)) == EFAULT); }

int main(void) {
  struct shmid_ds about = {0};
  id = shmget(IPC_PRIVATE, 12345, 0640);
  LINUX(shmctl(id, IPC_STAT, &about) == 0);
  LINUX(about.shm_segsz == 12345 && (about.shm_perm.mode & 0777) == 0640);
  shmctl(id, IPC_RMID, NULL);
  struct {
    long type;
    char text[8];
  } message = {1, "text"};
  id = msgget(IPC_PRIVATE, 0600);
  msgsnd(id, &message, 8, 0);
  LINUX(IN_CHILD(receives()) == 0);
  msgctl(id, IPC_RMID, NULL);
  LINUX(ERROR_OF(syscall(SYS_semctl, -1, 0, IPC_STAT, BAD)) == EINVAL);
  return gap_found;
}
