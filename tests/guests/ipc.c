// System V shared memory, semaphores and message queues.
//
// cases:
//   all: {}
#ifndef __wasm__
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#endif

#include "common.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

#define PAGE 4096
#define P(pointer) ((unsigned long)(uintptr_t)(pointer))
// For calls whose numbers and commands would be printed in two ways.
#define SHM(...) printf("shmctl(%s) = %s\n", #__VA_ARGS__, outcome(raw(shmctl, __VA_ARGS__)))
#define SEM(...) printf("semctl(%s) = %s\n", #__VA_ARGS__, outcome(raw(semctl, __VA_ARGS__)))
#define MSG(...) printf("msgctl(%s) = %s\n", #__VA_ARGS__, outcome(raw(msgctl, __VA_ARGS__)))
#define GET(what, ...) printf("%s(%s) = %s\n", #what, #__VA_ARGS__, made(raw(what, __VA_ARGS__)))
#define ATTACH(...) printf("shmat(%s) = %s\n", #__VA_ARGS__, made(raw(shmat, __VA_ARGS__)))

// Ids and addresses differ from run to run.
static const char *made(long long result) {
  return result < 0 && result > -4096 ? outcome(result) : "made";
}

static char *attach(int id, char *at, int flags) {
  long long result = raw(shmat, id, P(at), flags);
  if (result < 0 && result > -4096) {
    printf("shmat: %s\n", outcome(result));
    exit(1);
  }
  return (char *)(uintptr_t)result;
}

static int readable(const char *p) {
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  int ok = write(ends[1], p, 1) == 1;
  close(ends[0]), close(ends[1]);
  return ok;
}

static int writable(char *p) {
  int fd = open("/dev/zero", O_RDONLY);
  if (fd < 0) die("/dev/zero");
  int ok = read(fd, p, 1) == 1;
  close(fd);
  return ok;
}

static int attached(int id) {
  struct shmid_ds status;
  memset(&status, 0xff, sizeof status);
  if (raw(shmctl, id, IPC_STAT, P(&status)) < 0) return -1;
  return (int)status.shm_nattch;
}

static void segments(void) {
  struct shmid_ds status;
  GET(shmget, IPC_PRIVATE, 0, IPC_CREAT | 0600);
  GET(shmget, IPC_PRIVATE, (size_t)-1, IPC_CREAT | 0600);
  int id = (int)raw(shmget, IPC_PRIVATE, PAGE + 1, IPC_CREAT | 0600);
  CHECK(id >= 0);
  memset(&status, 0xff, sizeof status);
  SHM(id, IPC_STAT, P(&status));
  printf("size %d attached %d mode %o\n", (int)status.shm_segsz, (int)status.shm_nattch,
         (unsigned)status.shm_perm.mode);
  CHECK(status.shm_cpid == (int)getpid() && status.shm_lpid == 0 && status.shm_atime == 0);

  char *a = attach(id, NULL, 0), *b = attach(id, NULL, SHM_RDONLY);
  CHECK(a != b && P(a) % PAGE == 0);
  CHECK(attached(id) == 2);
  strcpy(a + PAGE, "seen through both");
  printf("%s\n", b + PAGE);
  CHECK(readable(b) && !writable(b));
  LIBC(mprotect(b, PAGE, PROT_READ | PROT_WRITE));
  CHECK(a[0] == 0 && a[2 * PAGE - 1] == 0 && writable(a + 2 * PAGE - 1));
  RAW(raw(shmdt, P(b)));
  CHECK(!readable(b) && attached(id) == 1);
  RAW(raw(shmdt, P(b)));
  RAW(raw(shmdt, P(a) + 1));
  RAW(raw(shmdt, P(a) + PAGE));
  RAW(raw(shmdt, 0));

  // At an address of one's own.
  char *free = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ATTACH(id, P(free), 0);
  ATTACH(id, P(free) + 1, 0);
  ATTACH(id, P(free) + 1, SHM_REMAP);
  ATTACH(id, 0, SHM_REMAP);
  ATTACH(id, 1, SHM_RND | SHM_REMAP);
  LIBC(munmap(free + 4 * PAGE, 4 * PAGE));
  CHECK(attach(id, free + 4 * PAGE, 0) == free + 4 * PAGE);
  CHECK(attach(id, free + 6 * PAGE + 77, SHM_RND) == free + 6 * PAGE);
  CHECK(attach(id, free, SHM_REMAP | SHM_RDONLY) == free);
  CHECK(strcmp(free + PAGE, "seen through both") == 0 && !writable(free));
  CHECK(readable(free + 2 * PAGE) && !writable(free + 2 * PAGE));
  CHECK(attached(id) == 4);
  // Neighbours are two, and what is left of one goes with it.
  RAW(raw(shmdt, P(free) + 4 * PAGE));
  CHECK(!readable(free + 4 * PAGE) && readable(free + 6 * PAGE));
  LIBC(munmap(free, PAGE));
  CHECK(attached(id) == 3);
  RAW(raw(shmdt, P(free)));
  CHECK(!readable(free + PAGE) && readable(free + 2 * PAGE));
  CHECK(attached(id) == 2);
  LIBC(mprotect(free + 6 * PAGE, PAGE, PROT_READ));
  RAW(raw(shmdt, P(free) + 6 * PAGE));
  CHECK(!readable(free + 6 * PAGE) && !readable(free + 7 * PAGE));
  LIBC(munmap(a, 2 * PAGE));
  CHECK(attached(id) == 0);

  ATTACH(-1, 0, 0);
  ATTACH(0x7fffffff, 0, 0);
  // What is moved stays attached, and is detached where it is.
  a = attach(id, NULL, 0);
  b = mremap(a, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, free + 4 * PAGE);
  CHECK(b == free + 4 * PAGE && attached(id) == 1);
  RAW(raw(shmdt, P(a)));
  RAW(raw(shmdt, P(b)));

  SHM(id, IPC_STAT, P(BAD));
  SHM(id, IPC_STAT, 0);
  SHM(id, IPC_SET, P(BAD));
  status.shm_perm.mode = 0640;
  SHM(id, IPC_SET, P(&status));
  SHM(id, IPC_STAT, P(&status));
  printf("mode %o\n", (unsigned)status.shm_perm.mode);
  SHM(id, SHM_LOCK, 0);
  SHM(id, SHM_UNLOCK, 0);
  SHM(id, 9999, 0);
  SHM(-1, IPC_STAT, P(&status));
  struct shm_info use;
  CHECK(raw(shmctl, 0, SHM_INFO, P(&use)) >= 0 && use.used_ids >= 1 && use.shm_tot >= 2);
  struct shminfo limits;
  CHECK(raw(shmctl, 0, IPC_INFO, P(&limits)) >= 0 && limits.shmmni > 0 && limits.shmmin == 1);
  SHM(0x7ffffff, SHM_STAT, P(&status));
  SHM(0x7ffffff, SHM_STAT_ANY, P(&status));
  SHM(0, IPC_INFO, P(BAD));

  // Removed while attached, it goes when the last is detached.
  a = attach(id, NULL, 0);
  SHM(id, IPC_RMID, 0);
  strcpy(a, "still there");
  printf("%s\n", a);
  RAW(raw(shmdt, P(a)));
  CHECK(!readable(a));
  SHM(id, IPC_STAT, P(&status));
  SHM(id, IPC_RMID, 0);
}

static void semaphores(void) {
  struct semid_ds status;
  uint16_t values[3] = {7, 8, 9};
  GET(semget, IPC_PRIVATE, -1, 0600);
  GET(semget, IPC_PRIVATE, 1 << 20, 0600);
  int id = (int)raw(semget, IPC_PRIVATE, 3, IPC_CREAT | 0600);
  CHECK(id >= 0);
  memset(&status, 0xff, sizeof status);
  SEM(id, 0, IPC_STAT, P(&status));
  printf("%d semaphores, mode %o\n", (int)status.sem_nsems, (unsigned)status.sem_perm.mode);
  CHECK(status.sem_otime == 0 && status.sem_ctime > 1700000000);
  SEM(id, 0, GETALL, P(values));
  printf("%u %u %u\n", values[0], values[1], values[2]);
  values[0] = 1, values[1] = 2, values[2] = 3;
  SEM(id, 0, SETALL, P(values));
  SEM(id, 1, GETVAL, 0);
  SEM(id, 1, SETVAL, 10);
  SEM(id, 1, SETVAL, 0xdeadbeef);
  SEM(id, 1, SETVAL, 32768);
  SEM(id, 1, GETVAL, 0);
  SEM(id, 3, GETVAL, 0);
  CHECK(raw(semctl, id, 1, GETPID, 0) == (int)getpid());
  SEM(id, 1, GETNCNT, 0);
  SEM(id, 1, GETZCNT, 0);
  SEM(id, 0, SETALL, P(BAD));
  SEM(id, 0, GETALL, P(BAD));
  SEM(id, 0, IPC_STAT, P(BAD));
  SEM(id, 0, 9999, 0);
  SEM(-1, 0, IPC_STAT, P(&status));

  struct sembuf ops[3] = {{0, -1, IPC_NOWAIT}, {1, 5, 0}, {2, -3, SEM_UNDO}};
  RAW(raw(semop, id, ops, 3));
  SEM(id, 0, GETALL, P(values));
  printf("%u %u %u\n", values[0], values[1], values[2]);
  // All or none.
  RAW(raw(semop, id, ops, 3));
  SEM(id, 1, GETVAL, 0);
  RAW(raw(semop, id, ops, 0));
  RAW(raw(semop, id, ops, 100000));
  RAW(raw(semop, id, BAD, 1));
  RAW(raw(semop, id, NULL, 1));
  RAW(raw(semop, -1, ops, 1));
  ops[0].sem_num = 77;
  RAW(raw(semop, id, ops, 1));
  ops[0] = (struct sembuf){1, 32767, 0};
  RAW(raw(semop, id, ops, 1));
  ops[0] = (struct sembuf){0, -1, 0};
  struct timespec wait = {.tv_nsec = 10000000}, wrong = {.tv_nsec = -1};
  RAW(raw(semtimedop, id, ops, 1, &wait));
  RAW(raw(semtimedop, id, ops, 1, &wrong));
  RAW(raw(semtimedop, id, ops, 1, BAD));
  ops[0].sem_op = 1;
  RAW(raw(semtimedop, id, ops, 1, NULL));
  status.sem_perm.mode = 0644;
  SEM(id, 0, IPC_SET, P(&status));
  SEM(id, 0, IPC_STAT, P(&status));
  printf("mode %o\n", (unsigned)status.sem_perm.mode);
  CHECK(status.sem_otime > 1700000000);
  struct seminfo info;
  CHECK(raw(semctl, 0, 0, SEM_INFO, P(&info)) >= 0 && info.semusz >= 1 && info.semvmx == 32767);
  SEM(id, 0, IPC_RMID, 0);
  SEM(id, 0, IPC_RMID, 0);
  RAW(raw(semop, id, ops, 1));
}

static void messages(void) {
  // As the kernel has them: a type of eight bytes, then the text.
  struct {
    long long type;
    char text[64];
  } message = {.type = 5, .text = "five"};
  struct msqid_ds status;
  int id = (int)raw(msgget, IPC_PRIVATE, IPC_CREAT | 0600);
  CHECK(id >= 0);
#define SEND(size, flags)                                                                         \
  printf("msgsnd(%s, %s) = %s\n", #size, #flags,                                                  \
         outcome(raw(msgsnd, id, (void *)&message, size, flags)))
#define TAKE(size, type, flags)                                                                   \
  printf("msgrcv(%s, %s, %s) = %s\n", #size, #type, #flags,                                       \
         outcome(raw(msgrcv, id, (void *)&message, size, (long long)(type), flags)))
  SEND(5, 0);
  message.type = 2;
  SEND(0, 0);
  message.type = 3;
  strcpy(message.text, "three");
  SEND(64, 0);
  message.type = 0;
  SEND(1, 0);
  message.type = -1;
  SEND(1, 0);
  message.type = 1;
  SEND((size_t)-1, 0);
  SEND(1 << 20, 0);
  RAW(raw(msgsnd, id, BAD, 1, 0));
  RAW(raw(msgsnd, id, NULL, 1, 0));
  RAW(raw(msgsnd, -1, (void *)&message, 1, 0));
  memset(&status, 0xff, sizeof status);
  MSG(id, IPC_STAT, P(&status));
  printf("%d messages, mode %o\n", (int)status.msg_qnum, (unsigned)status.msg_perm.mode);
  CHECK(status.msg_lspid == (int)getpid() && status.msg_lrpid == 0 && status.msg_stime > 0);
  memset(&message, 0, sizeof message);
  TAKE(64, 3, 0);
  printf("%lld %s\n", message.type, message.text);
  TAKE(2, 5, 0);
  TAKE(2, 5, MSG_NOERROR);
  printf("%lld %.2s\n", message.type, message.text);
  TAKE(64, 9, IPC_NOWAIT);
  TAKE(64, -9, 0);
  printf("%lld\n", message.type);
  TAKE(64, 0, IPC_NOWAIT);
  TAKE((size_t)-1, 0, IPC_NOWAIT);
  RAW(raw(msgrcv, -1, (void *)&message, 1, 0, 0));
  SEND(8, 0);
  RAW(raw(msgrcv, id, BAD, 64, 0, 0));
  TAKE(64, 0, IPC_NOWAIT);
  // A full queue.
  status.msg_qbytes = 10;
  MSG(id, IPC_SET, P(&status));
  SEND(8, 0);
  SEND(8, IPC_NOWAIT);
  MSG(id, IPC_STAT, P(&status));
  printf("%d bytes of %d\n", (int)status.msg_qnum, (int)status.msg_qbytes);
  MSG(id, IPC_STAT, P(BAD));
  MSG(id, IPC_SET, P(BAD));
  MSG(id, 9999, 0);
  struct msginfo info;
  CHECK(raw(msgctl, 0, MSG_INFO, P(&info)) >= 0 && info.msgpool >= 1 && info.msgmax >= 8);
  MSG(id, IPC_RMID, 0);
  MSG(id, IPC_RMID, 0);
  TAKE(64, 0, 0);
}

int main(void) {
  segments();
  semaphores();
  messages();
  return 0;
}
