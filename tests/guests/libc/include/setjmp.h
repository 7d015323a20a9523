#pragma once
#include <wali.h>

// As large as in other libcs for this interface.
typedef struct {
  unsigned long long registers[26], saved, mask[16];
} jmp_buf[1];
typedef jmp_buf sigjmp_buf;

// Declared as what they are: a call through a function of this libc would return from it before
// the jump.
WALI_IMPORT("setjmp") __attribute__((returns_twice)) int setjmp(jmp_buf buffer);
WALI_IMPORT("_setjmp") __attribute__((returns_twice)) int _setjmp(jmp_buf buffer);
WALI_IMPORT("sigsetjmp")
__attribute__((returns_twice)) int sigsetjmp(sigjmp_buf buffer, int savemask);
WALI_IMPORT("longjmp") _Noreturn void longjmp(jmp_buf buffer, int value);
WALI_IMPORT("_longjmp") _Noreturn void _longjmp(jmp_buf buffer, int value);
WALI_IMPORT("siglongjmp") _Noreturn void siglongjmp(sigjmp_buf buffer, int value);
