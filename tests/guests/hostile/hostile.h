// What the hostile guests share: each attempt must end as stated, or the guest says how it
// ended and exits with 1.
#pragma once
#include "../common.h"

static int broken;

static inline void must(const char *what, long long got, long long want) {
  if (got == want) return;
  broken = 1;
  printf("%s = %s, not %s\n", what, outcome(got), outcome(want));
}

// A call with an outcome, and one that may fail in any way, but must fail.
#define MUST(call, want) must(#call, (call), (want))
#define FAILS(call)                                                                               \
  do {                                                                                            \
    long long result_ = (call);                                                                   \
    if (result_ >= 0) must(#call, result_, -EPERM);                                               \
  } while (0)
#define HOLDS(condition)                                                                          \
  do {                                                                                            \
    if (!(condition)) broken = 1, printf("%s:%d: not so: %s\n", __func__, __LINE__, #condition);   \
  } while (0)

// An import with six long arguments, whatever the specification says of it.
#define RAWEST(name)                                                                              \
  WALI_IMPORT("SYS_" #name)                                                                       \
  long long rawest_##name(long long, long long, long long, long long, long long, long long);
