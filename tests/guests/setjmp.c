// Non-local jumps within one run of the program: what comes back, how often, and what is left of
// variables as C defines it.
#include <setjmp.h>

#include "common.h"

static jmp_buf top;

// The value comes back; 0 comes back as 1.
static void values(void) {
  static const int all[] = {1, 0, -1, 2, 0x7fffffff, -0x7fffffff - 1};
  for (volatile unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    int came = setjmp(top);
    if (came == 0) longjmp(top, all[i]);
    printf("longjmp with %d: %d\n", all[i], came);
  }
}

static void descend(int depth) {
  // Something on the C stack, too.
  volatile char room[64];
  room[depth % 64] = (char)depth;
  if (depth <= 0) longjmp(top, 7);
  if (depth < 1000) descend(depth - 1);
  printf("not reached %d\n", room[0]);
}

// Out of deep calls, many times, and the C stack is where it was.
static void deep(void) {
  volatile int rounds = 0;
  char *volatile here = 0;
  for (;;) {
    char probe[16];
    if (!here) here = probe;
    if (setjmp(top) == 0) descend(rounds % 400);
    if (here != probe) puts("the stack pointer has moved");
    if (++rounds == 2000) break;
  }
  printf("%d jumps out of deep calls\n", rounds);
}

// Unchanged variables and volatile ones have their values.
__attribute__((noinline)) static int sum(int a, long long b, double c, float d) {
  volatile int changed = 1;
  int e = a * 3, f = (int)b + e;
  double g = c * d;
  if (setjmp(top) == 0) {
    changed = 5;
    descend(3);
  }
  return a + (int)b + e + f + changed + (int)(g * 2) + (int)c + (int)d;
}

// The same place again and again.
static void again(void) {
  volatile int count = 0;
  int came = setjmp(top);
  printf("%d%s", came, count < 9 ? " " : "\n");
  if (count++ < 9) longjmp(top, count);
}

// Places of several calls at once, innermost first and outermost first.
static jmp_buf nest[64];
static int nested(int depth, int target) {
  volatile int mine = depth * 10;
  int came = setjmp(nest[depth]);
  if (came) return mine + came;
  if (depth == 63) longjmp(nest[target], 3);
  return nested(depth + 1, target) + 1000;
}

// As interpreters do it: a protected call, thousands of them in one another.
struct protected {
  struct protected *outer;
  jmp_buf place;
  volatile int status;
};
static struct protected *innermost;
static void throw(int status) {
  innermost->status = status;
  longjmp(innermost->place, 1);
}
static int protect(void (*f)(int), int argument) {
  // Not on the C stack, which is small.
  struct protected *volatile self = malloc(sizeof *self);
  self->outer = innermost;
  self->status = 0;
  innermost = self;
  if (setjmp(self->place) == 0) f(argument);
  innermost = self->outer;
  int status = self->status;
  free(self);
  return status;
}
static int caught;
static void chain(int depth) {
  if (depth > 0) {
    int status = protect(chain, depth - 1);
    caught += status > 0;
    throw(status + 1);
  }
  throw(1);
}

// In every form of statement in which C allows the call.
static void forms(int value) {
  static jmp_buf place;
  volatile int step = 0;
  if (setjmp(place)) step += 100;
  if (step++ < 1) longjmp(place, value);
  printf("if: %d\n", step);
  step = 0;
  if (!setjmp(place)) longjmp(place, value);
  switch (setjmp(place)) {
    case 0:
      step++;
      longjmp(place, 2);
    case 1:
      printf("switch: case 1, %d\n", step++);
      break;
    case 2:
      step += 10;
      longjmp(place, 0);
    default:
      puts("switch: neither");
  }
  step = 0;
  while (setjmp(place) < 3) longjmp(place, ++step);
  printf("while: %d\n", step);
  step = 0;
  for (volatile int i = 0; i < 5; i++) {
    if (setjmp(place) != i) longjmp(place, i);
    step++;
  }
  printf("for: %d\n", step);
  (void)setjmp(place);
  if (step++ < 8) _longjmp(place, 1);
  printf("statement: %d\n", step);
  step = 0;
  if (_setjmp(place) == 4) step += 50;
  if (step++ < 1) longjmp(place, 4);
  printf("_setjmp: %d\n", step);
}

// A copy of a buffer is as good as the buffer.
static void copies(void) {
  jmp_buf first, second;
  volatile int state = 0;
  if (setjmp(first) == 0) {
    memcpy(second, first, sizeof first);
    memset(first, 0, sizeof first);
    state = 1;
    longjmp(second, 1);
  }
  printf("by a copy: %d\n", state);
  // Saved and put back around a call that uses the same buffer, as shells do.
  volatile int seen = 0;
  if (setjmp(first) == 0) {
    memcpy(second, first, sizeof first);
    seen += 1;
    if (seen == 1) {
      jmp_buf *shared = &first;
      volatile int inner = 0;
      if (setjmp(*shared) == 0) {
        inner = 1;
        longjmp(*shared, 1);
      }
      seen += 10 * inner;
    }
    memcpy(first, second, sizeof first);
    longjmp(first, 1);
  }
  printf("put back: %d\n", seen);
}

// Many places of one function, of which each comes back.
static void many(void) {
  enum { COUNT = 300 };
  static jmp_buf places[COUNT];
  static volatile int visits[COUNT];
  static volatile int i, next;
  for (i = 0; i < COUNT; i++) {
    int came = setjmp(places[i]);
    if (came) {
      visits[came - 1]++;
      break;
    }
  }
  if (next < COUNT) {
    int target = (next++ * 7) % COUNT;
    longjmp(places[target], target + 1);
  }
  int wrong = 0;
  for (int k = 0; k < COUNT; k++) wrong += visits[k] != 1;
  printf("%d places, %d wrong\n", COUNT, wrong);
}

// A million places in one function, one after the other.
static void bounded(void) {
  static jmp_buf place;
  static volatile int i, back;
  for (i = 0; i < 1000000; i++)
    if (setjmp(place)) back++;
  if (back < 3) longjmp(place, 1);
  printf("%d, %d times back\n", i, back);
}

// Called again at the same depth, by the same function: the newest call's place counts.
static jmp_buf latest;
static volatile int calls;
static int place_and_return(int jump) {
  volatile int mine = ++calls;
  int came = setjmp(latest);
  if (came) return mine * 100 + came;
  if (jump) longjmp(latest, 5);
  return mine;
}

// Room on the C stack that is not constant.
static void rooms(void) {
  volatile int total = 0;
  for (volatile int n = 1; n <= 64; n++) {
    volatile unsigned char *room = __builtin_alloca((unsigned)n * 16);
    room[0] = (unsigned char)n;
    if (setjmp(top) == 0) descend(n % 7);
    total += room[0];
  }
  printf("rooms: %d\n", total);
}

int main(void) {
  values();
  deep();
  printf("sum: %d\n", sum(3, 40, 2.5, 8.25f));
  again();
  for (int target = 0; target < 64; target += 21) printf("nested: %d\n", nested(0, target));
  printf("protected: %d", protect(chain, 3000));
  printf(", caught %d\n", caught);
  forms(9);
  copies();
  many();
  bounded();
  for (int i = 0; i < 4; i++) printf("%d ", place_and_return(i % 2));
  puts("");
  rooms();
  return 0;
}
