// setjmp and longjmp: out of deep calls, repeatedly, across each other, with masks, out of handlers.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static jmp_buf outer, inner;
static sigjmp_buf with_mask;

static void deep(int n, int value) {
  volatile char room[100];
  memset((char *)room, n, sizeof room);
  if (n == 0) longjmp(outer, value);
  deep(n - 1, value);
}
static int zero(void) {
  int value = setjmp(inner);
  if (value == 0) longjmp(inner, 0);
  return value;
}
static int nested(int n) {
  jmp_buf mine;
  int value = setjmp(mine);
  if (value) return value;
  if (n == 0) longjmp(mine, 5);
  value = nested(n - 1);
  longjmp(mine, value + 1);
}
static void handler(int signal) { siglongjmp(with_mask, signal); }

int main(void) {
  volatile int rounds = 0;
  int value = setjmp(outer);
  printf("%d %d\n", rounds, value);
  if (rounds++ < 4) deep(rounds * 10, rounds + 100);
  printf("zero: %d nested: %d\n", zero(), nested(20));

  volatile long sum = 0;
  for (volatile int i = 0; i < 20000; i++) {
    switch (_setjmp(inner)) {
      case 0: _longjmp(inner, 2);
      case 2: sum += i;
    }
  }
  printf("%ld\n", sum);

  sigset_t set;
  signal(SIGUSR1, handler);
  for (volatile int i = 0; i < 3; i++) {
    if (sigsetjmp(with_mask, 1) == 0) raise(SIGUSR1);
    sigprocmask(SIG_SETMASK, NULL, &set);
    printf("blocked after a jump with the mask: %d\n", sigismember(&set, SIGUSR1));
  }
  if (sigsetjmp(with_mask, 0) == 0) raise(SIGUSR1);
  sigprocmask(SIG_SETMASK, NULL, &set);
  printf("and without: %d\n", sigismember(&set, SIGUSR1));
  return 0;
}
