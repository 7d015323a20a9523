// Each thread has its places, its handlers and its stacks: jumps of many at once.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include "common.h"

#define THREADS 6
#define ROUNDS 3000

struct own {
  sigjmp_buf place, other;
  volatile int jumps, signals, wrong;
  int number;
};
static _Thread_local struct own *me;

static void descend(struct own *own, int depth) {
  volatile char room[32];
  room[depth % 32] = (char)depth;
  if (depth <= 0) longjmp(own->place, own->number + 1);
  if (depth < 1000) descend(own, depth - 1);
  printf("not reached %d\n", room[0]);
}

static void jump(int signal) {
  (void)signal;
  me->signals++;
  siglongjmp(me->other, me->number + 100);
}

static void *live(void *argument) {
  struct own *own = argument;
  me = own;
  for (volatile int round = 0; round < ROUNDS; round++) {
    int came = setjmp(own->place);
    if (came == 0) descend(own, round % 50);
    if (came != own->number + 1) own->wrong++;
    own->jumps++;
    if (round % 10) continue;
    came = sigsetjmp(own->other, 1);
    if (came == 0) pthread_kill(pthread_self(), SIGUSR1);
    if (came != own->number + 100) own->wrong++;
  }
  return 0;
}

// A fault of one thread is its own, too.
static void fault(int signal) {
  (void)signal;
  siglongjmp(me->other, 1);
}
static void *faults(void *argument) {
  struct own *own = argument;
  me = own;
  for (volatile int round = 0; round < 300; round++)
    if (sigsetjmp(own->other, 1) == 0)
      *(volatile char *)bad_address() = 1;
    else
      own->jumps++;
  return 0;
}

static struct own all[THREADS];
static void run(void *(*f)(void *)) {
  pthread_t threads[THREADS];
  memset(all, 0, sizeof all);
  for (int i = 0; i < THREADS; i++) {
    all[i].number = i;
    if (pthread_create(&threads[i], 0, f, &all[i])) die("pthread_create");
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
  for (int i = 0; i < THREADS; i++)
    printf("thread %d: %d jumps, %d signals, %d wrong\n", i, all[i].jumps, all[i].signals,
           all[i].wrong);
}

int main(void) {
  struct sigaction action = {0};
  action.sa_handler = jump;
  sigaction(SIGUSR1, &action, 0);
  action.sa_handler = fault;
  sigaction(SIGSEGV, &action, 0);
  (void)bad_address();
  run(live);
  run(faults);
  return 0;
}
