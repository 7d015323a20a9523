// Included before anything else where clang makes setjmp and longjmp out of exceptions: its
// `-wasm-enable-sjlj` turns calls of functions of these names into calls of those in
// by_exceptions.c.
#pragma once
#define setjmp setjmp_of_the_host
#define longjmp longjmp_of_the_host
#include <setjmp.h>
#undef setjmp
#undef longjmp

__attribute__((returns_twice)) int setjmp(jmp_buf buffer);
_Noreturn void longjmp(jmp_buf buffer, int value);

// The mask is the C library's business.
void jumps_keep_mask(jmp_buf buffer, int save);
#define setjmp(buffer) (jumps_keep_mask(buffer, 0), setjmp(buffer))
#define _setjmp(buffer) setjmp(buffer)
#define sigsetjmp(buffer, save) (jumps_keep_mask(buffer, save), (setjmp)(buffer))
#define _longjmp(buffer, value) longjmp(buffer, value)
#define siglongjmp(buffer, value) longjmp(buffer, value)
