// cases:
//   join: { args: [join] }
#include <pthread.h>
#include "common.h"
static _Thread_local int mine = 7;
static void *add(void *a) { mine += (int)(intptr_t)a; return (void *)(intptr_t)mine; }
int main(int argc, char **argv) {
  (void)argc, (void)argv;
  for (int i = 0; i < 300; i++) {
    pthread_t t; void *r;
    int e = pthread_create(&t, NULL, add, (void *)(intptr_t)i);
    if (e) { printf("create %d\n", e); return 1; }
    pthread_join(t, &r);
    if ((intptr_t)r != i + 7) printf("%d\n", (int)(intptr_t)r);
  }
  printf("done %d\n", mine);
  return 0;
}
