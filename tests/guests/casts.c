// Calls of functions through pointers of other types, as C does not allow and programs do:
// natively, they get through.
//
// cases:
//   emulated: { options: [--emulate-fn-casts], args: [all] }
//   again: { options: [--emulate-fn-casts], args: [again], stdout: "nothing(5)\n14 of 14\n", status: 3 }
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "common.h"

typedef void (*any)(void);

static int plain(int a) { return a * 2; }
static int two(int a, int b) { return a * 10 + b; }
static void nothing(int a) { printf("nothing(%d)\n", a); }
static long long wide(long long a) { return a + (1ll << 40); }
static int narrow(int a) { return a + 1; }
static double halves(double a) { return a / 2; }
static float single(float a) { return a * 3; }
static int mixed(double x, int a, float y, long long b) { return (int)(x * 100) + a + (int)y + (int)b; }
static int unused(int a, int b, int c, double d) {
  (void)a, (void)b, (void)c, (void)d;
  return 77;
}
static int eight(int a, int b, int c, int d, int e, int f, int g, int h) {
  return ((((((a * 3 + b) * 3 + c) * 3 + d) * 3 + e) * 3 + f) * 3 + g) * 3 + h;
}
static char *text(char *a) { return a + 1; }
static int deep(int n, int (*self)(int)) {
  return n == 0 ? 0 : 1 + ((int (*)(int, any, int))(any)self)(n - 1, (any)self, 9);
}
static int fails(int a) {
  errno = a;
  return -1;
}

// Compilers must not see through the pointers.
static any volatile functions[16];
#define AS(index, type) ((type)functions[index])

static int all(void) {
  functions[0] = (any)plain;
  functions[1] = (any)two;
  functions[2] = (any)nothing;
  functions[3] = (any)wide;
  functions[4] = (any)narrow;
  functions[5] = (any)halves;
  functions[6] = (any)single;
  functions[7] = (any)mixed;
  functions[8] = (any)unused;
  functions[9] = (any)eight;
  functions[10] = (any)text;
  functions[11] = (any)deep;
  functions[12] = (any)fails;
  functions[13] = (any)getpid;
  volatile int five = 5;
  volatile long long big = 0x700000005;
  int good = 0;
#define GOOD(condition) (good += (condition) ? 1 : (printf("NOT %s\n", #condition), 0))
  // More than the function takes; its result left, or of another width.
  GOOD(AS(0, int (*)(int, int, double))(five, 6, 7.0) == 10);
  AS(1, void (*)(int, int))(five, 6);
  GOOD(AS(1, long long (*)(int, int, int))(five, 6, 7) == 56);
  AS(2, int (*)(int))(five);
  GOOD(AS(3, long long (*)(int))(five) == (1ll << 40) + 5);
  // Of a result that is too wide, not every ISA drops the rest.
  GOOD((AS(3, int (*)(int))(five) & 0xff) == 5);
  GOOD(AS(4, int (*)(long long))(big) == 6);
  GOOD(AS(5, double (*)(int, double, int))(five, 9.0, five) == 4.5);
  GOOD(AS(6, float (*)(double *, float))(0, 1.5f) == 4.5f);
  // Floats and integers in another order are where they are looked for.
  GOOD(AS(7, int (*)(int, long long, double, float))(five, 1000, 1.25, 3.0f) == 1133);
  // Less than the function takes, which does not look.
  GOOD(AS(8, int (*)(void))() == 77);
  GOOD(AS(9, int (*)(long long, int, int, int, int, int, int, int, int))(1, 2, 3, 4, 5, 6, 7, 8,
                                                                         9) == 4916);
  GOOD(*AS(10, const char *(*)(const char *, size_t, long long))("ab", 1, 2) == 'b');
  GOOD(AS(11, int (*)(int, any, long long))(200, functions[11], 1) == 200);
  GOOD(AS(12, long long (*)(int, int))(ENOENT, 1) != 0 && errno == ENOENT);
  GOOD(AS(13, int (*)(int))(five) == getpid());
  return good;
}

static volatile int handled;
static void without(void) { handled += 1; }
static int with_result(int signal) { return handled += signal; }
static void with_more(int signal, void *info, void *context, int more, double even) {
  (void)info, (void)context, (void)more, (void)even;
  handled += signal;
}
static double floating(double a, int signal) {
  handled += signal;
  return a;
}

static void handlers(void) {
  any all[] = {(any)without, (any)with_result, (any)with_more, (any)floating};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    handled = 0;
    signal(SIGUSR1, (void (*)(int))all[i]);
    raise(SIGUSR1);
    CHECK(handled == (i == 0 ? 1 : SIGUSR1));
  }
}

static int begins(void) { return handled = 11; }
static long long takes_more(void *argument, int more, double even) {
  (void)more, (void)even;
  return handled = *(int *)argument;
}
static void threads(void) {
  any all[] = {(any)begins, (any)takes_more};
  int number = 12;
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    if (pthread_create(&thread, 0, (void *(*)(void *))all[i], &number)) die("pthread_create");
    pthread_join(thread, 0);
    CHECK(handled == 11 + i);
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "again")) {
    // The program that follows is run in the same way.
    execv(argv[0], (char *[]){argv[0], "followed", "by", 0});
    return 1;
  }
  int good = all();
  if (argc == 3) {
    printf("%d of 14\n", good);
    fflush(stdout);
    return 3;
  }
  printf("%d good\n", good);
  handlers();
  threads();
  return 0;
}
