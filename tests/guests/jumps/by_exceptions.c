// What clang's setjmp by exceptions asks of a C library. A frame that calls setjmp numbers its
// calls, and looks at each exception of the tag `__c_longjmp` that comes out of a call: if it is for
// one of its own, it goes on behind that.
#include <signal.h>

#include "by_exceptions.h"

struct thrown {
  void *buffer;
  int value;
};

struct place {
  // The address of something in the frame that called setjmp.
  void *frame;
  // The number of the call in it.
  unsigned call;
  struct thrown thrown;
};

_Static_assert(sizeof(struct place) <= sizeof((*(jmp_buf *)0)->registers), "there is room");

enum { KEPT = 1 };

void jumps_keep_mask(jmp_buf buffer, int save) {
  buffer->saved = save ? KEPT : 0;
  if (save) sigprocmask(SIG_BLOCK, 0, (sigset_t *)buffer->mask);
}

void __wasm_setjmp(void *buffer, unsigned call, void *frame) {
  struct place *place = buffer;
  place->frame = frame;
  place->call = call;
}

unsigned __wasm_setjmp_test(void *buffer, void *frame) {
  struct place *place = buffer;
  return place->frame == frame ? place->call : 0;
}

enum { TAG_OF_LONGJMP = 1 };
// Older ones have the tag in each object.
#if __clang_major__ > 19
__asm__(".globl __c_longjmp\n.tagtype __c_longjmp i32\n__c_longjmp:\n");
#endif

void __wasm_longjmp(void *buffer, int value) {
  struct place *place = buffer;
  __typeof__(**(jmp_buf *)0) *whole = buffer;
  if (whole->saved == KEPT) sigprocmask(SIG_SETMASK, (sigset_t *)whole->mask, 0);
  place->thrown = (struct thrown){buffer, value ? value : 1};
  __builtin_wasm_throw(TAG_OF_LONGJMP, &place->thrown);
}
