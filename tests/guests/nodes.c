// On which nodes memory lies; what holds on a machine with one node, and what is wrong anywhere.
//
// cases:
//   all: {}
#ifndef __wasm__
#include <linux/mempolicy.h>
#endif

#include "common.h"

#if !defined __wasm__ && !defined SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif

#define PAGE 4096
#define P(pointer) ((unsigned long)(uintptr_t)(pointer))
#define SHOW(name, ...) printf("%s(%s) = %s\n", #name, #__VA_ARGS__, outcome(raw(name, __VA_ARGS__)))

int main(void) {
  // Not in the hole that is made below.
  CHECK(BAD != NULL);
  char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned long long node[16] = {1}, got[16] = {0};
  int mode = -1;
  memset(p, 1, 4 * PAGE);
  LIBC(munmap(p + 3 * PAGE, PAGE));

  SHOW(get_mempolicy, &mode, (void *)got, 1024ULL, 0, 0ULL);
  printf("%d %llx\n", mode, got[0]);
  SHOW(get_mempolicy, &mode, NULL, 0ULL, P(p), 0ULL);
  SHOW(get_mempolicy, &mode, NULL, 0ULL, P(p), (unsigned long long)MPOL_F_ADDR);
  SHOW(get_mempolicy, &mode, NULL, 0ULL, P(p), (unsigned long long)(MPOL_F_ADDR | MPOL_F_NODE));
  printf("%d\n", mode);
  SHOW(get_mempolicy, &mode, NULL, 0ULL, P(p + 3 * PAGE), (unsigned long long)MPOL_F_ADDR);
  SHOW(get_mempolicy, &mode, NULL, 0ULL, 0, (unsigned long long)MPOL_F_ADDR);
  SHOW(get_mempolicy, NULL, (void *)got, 1024ULL, 0, (unsigned long long)MPOL_F_MEMS_ALLOWED);
  printf("%llx\n", got[0] & 1);
  SHOW(get_mempolicy, BAD, NULL, 0ULL, 0, 0ULL);
  SHOW(get_mempolicy, NULL, BAD, 1024ULL, 0, 0ULL);
  SHOW(get_mempolicy, NULL, NULL, 0ULL, 0, 77ULL << 20);

  SHOW(set_mempolicy, MPOL_BIND, (void *)node, 64ULL);
  SHOW(get_mempolicy, &mode, (void *)got, 1024ULL, 0, 0ULL);
  printf("%d %llx\n", mode, got[0]);
  SHOW(set_mempolicy, MPOL_BIND, NULL, 0ULL);
  SHOW(set_mempolicy, MPOL_BIND, BAD, 64ULL);
  SHOW(set_mempolicy, MPOL_BIND, (void *)node, 1ULL << 40);
  SHOW(set_mempolicy, 77, NULL, 0ULL);
  SHOW(set_mempolicy, MPOL_DEFAULT, NULL, 0ULL);

#define BIND(start, len, mode, mask, flags)                                                       \
  printf("mbind(%s, %s, %s, %s, %s) = %s\n", #start, #len, #mode, #mask, #flags,                  \
         outcome(raw(mbind, P(start), (unsigned long long)(len), (unsigned long long)(mode), mask, \
                     64ULL, flags)))
  BIND(p, 2 * PAGE, MPOL_BIND, (void *)node, 0);
  SHOW(get_mempolicy, &mode, NULL, 0ULL, P(p), (unsigned long long)MPOL_F_ADDR);
  printf("%d\n", mode);
  BIND(p, 2 * PAGE, MPOL_BIND, (void *)node, MPOL_MF_STRICT | MPOL_MF_MOVE);
  BIND(p, 4 * PAGE, MPOL_BIND, (void *)node, 0);
  BIND(p + 3 * PAGE, PAGE, MPOL_BIND, (void *)node, 0);
  BIND(p + 1, PAGE, MPOL_BIND, (void *)node, 0);
  BIND(p, 0, MPOL_BIND, (void *)node, 0);
  BIND(p, -1, MPOL_BIND, (void *)node, 0);
  BIND(p, -8192, MPOL_BIND, (void *)node, 0);
  BIND(p, PAGE, MPOL_BIND, BAD, 0);
  BIND(p, PAGE, 77, (void *)node, 0);
  BIND(p, PAGE, MPOL_BIND, (void *)node, 1 << 20);
  BIND(p, 4 * PAGE, MPOL_DEFAULT, NULL, 0);
  BIND(NULL, PAGE, MPOL_BIND, (void *)node, 0);
#define HOME(start, len, node, flags)                                                             \
  printf("set_mempolicy_home_node(%s, %s, %s, %s) = %s\n", #start, #len, #node, #flags,           \
         outcome(raw(set_mempolicy_home_node, P(start), (unsigned long long)(len), node, flags)))
  HOME(p, PAGE, 0ULL, 0ULL);
  BIND(p, 2 * PAGE, MPOL_BIND, (void *)node, 0);
  HOME(p, PAGE, 0ULL, 0ULL);
  HOME(p, PAGE, 77777ULL, 0ULL);
  HOME(p, PAGE, 0ULL, 1ULL);
  HOME(p + 1, PAGE, 0ULL, 0ULL);
  HOME(p, 0, 0ULL, 0ULL);
  HOME(p + 3 * PAGE, PAGE, 0ULL, 0ULL);

  SHOW(migrate_pages, 0, 64ULL, (void *)node, (void *)node);
  SHOW(migrate_pages, 0x7fffffff, 64ULL, (void *)node, (void *)node);
  SHOW(migrate_pages, 0, 64ULL, BAD, (void *)node);

  // More than are looked at together; each fourth page is not mapped.
  enum { COUNT = 300 };
  static void *pages[COUNT];
  static int status[COUNT + 1], nodes[COUNT];
  for (int i = 0; i < COUNT; i++) pages[i] = p + i % 4 * PAGE + i;
  status[COUNT] = 77;
  SHOW(move_pages, 0, (unsigned long long)COUNT, P(pages), 0, P(status), 0);
  int good = 0, bad = 0;
  for (int i = 0; i < COUNT; i++) good += status[i] == 0, bad += status[i] == -EFAULT;
  printf("%d %d %d\n", good, bad, status[COUNT]);
  SHOW(move_pages, 0, 2ULL, P(pages), P(nodes), P(status), MPOL_MF_MOVE);
  printf("%d %d\n", status[0], status[1]);
  nodes[0] = 77777;
  SHOW(move_pages, 0, 2ULL, P(pages), P(nodes), P(status), MPOL_MF_MOVE);
  SHOW(move_pages, 0, 2ULL, P(BAD), 0, P(status), 0);
  SHOW(move_pages, 0, 2ULL, P(pages), 0, P(BAD), 0);
  SHOW(move_pages, 0, 2ULL, P(pages), P(BAD), P(status), MPOL_MF_MOVE);
  SHOW(move_pages, 0, 2ULL, P(pages), 0, P(status), 1 << 20);
  SHOW(move_pages, 0, 0ULL, 0, 0, 0, 0);
  return 0;
}
