// Vectors of 128 bits, as the compiler's extension for them has it: natively whatever the ISA has, and
// WebAssembly's there. Operations on random lanes, kept as sums.
#include "common.h"

#ifdef __wasm__
#pragma clang attribute push(__attribute__((target("simd128"))), apply_to = function)
#endif

typedef int8_t i8 __attribute__((vector_size(16)));
typedef uint8_t u8 __attribute__((vector_size(16)));
typedef int16_t i16 __attribute__((vector_size(16)));
typedef uint16_t u16 __attribute__((vector_size(16)));
typedef int32_t i32 __attribute__((vector_size(16)));
typedef uint32_t u32 __attribute__((vector_size(16)));
typedef int64_t i64 __attribute__((vector_size(16)));
typedef uint64_t u64 __attribute__((vector_size(16)));
typedef float f32 __attribute__((vector_size(16)));
typedef double f64 __attribute__((vector_size(16)));

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static uint64_t sum;
static void note(const void *bytes) {
  const unsigned char *p = bytes;
  for (int i = 0; i < 16; i++) sum = sum * 31 + p[i];
}
static void show(const char *name) {
  printf("%s %016llx\n", name, (unsigned long long)sum);
  sum = 0;
}

// Not inlined, so that vectors are arguments and results.
#define INTEGERS(name, type, lanes, bits)                                                         \
  __attribute__((noinline)) static type name##_each(type a, type b, int by) {                     \
    type all[] = {a + b, a - b, a * b, a & b, a | b, a ^ b, ~a, -a, a << by, a >> by,             \
                  (type)(a == b), (type)(a < b), (type)(a >= b), (type)(a != b)};                 \
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) note(&all[i]);                        \
    for (int i = 0; i < lanes; i++) a[i] += b[lanes - 1 - i];                                     \
    type greater = (type)(a > b);                                                                 \
    return ((a - b) & greater) | ((b - a) & ~greater);                                            \
  }                                                                                               \
  static void name(void) {                                                                        \
    for (int round = 0; round < 2000; round++) {                                                  \
      type a, b;                                                                                  \
      uint64_t random[4] = {next(), next(), next(), next()};                                      \
      memcpy(&a, random, 16);                                                                     \
      memcpy(&b, random + 2, 16);                                                                 \
      if (round % 3 == 0) b[round % lanes] = a[round % lanes];                                    \
      type result = name##_each(a, b, round % bits);                                              \
      note(&result);                                                                              \
    }                                                                                             \
    show(#name);                                                                                  \
  }
INTEGERS(bytes, u8, 16, 8)
INTEGERS(signed_bytes, i8, 16, 8)
INTEGERS(halves, u16, 8, 16)
INTEGERS(signed_halves, i16, 8, 16)
INTEGERS(words, u32, 4, 32)
INTEGERS(signed_words, i32, 4, 32)
INTEGERS(longs, u64, 2, 64)
INTEGERS(signed_longs, i64, 2, 64)

#define FLOATS(name, type, number, lanes)                                                         \
  __attribute__((noinline)) static type name##_each(type a, type b) {                             \
    type all[] = {a + b, a - b, a * b, a / b, -a};                                                \
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) note(&all[i]);                        \
    __typeof__(a < b) masks[] = {a < b, a <= b, a == b, a != b};                                  \
    for (unsigned i = 0; i < sizeof masks / sizeof *masks; i++) note(&masks[i]);                  \
    for (int i = 0; i < lanes; i++) a[i] = b[i] < a[i] ? b[lanes - 1 - i] : (number)(int)a[i];    \
    return a;                                                                                     \
  }                                                                                               \
  static void name(void) {                                                                        \
    for (int round = 0; round < 2000; round++) {                                                  \
      type a, b;                                                                                  \
      for (int i = 0; i < lanes; i++) {                                                           \
        a[i] = (number)(int32_t)next() / 1024;                                                    \
        b[i] = (number)(int32_t)(next() | 1) / 4096;                                              \
      }                                                                                           \
      type result = name##_each(a, b);                                                            \
      note(&result);                                                                              \
    }                                                                                             \
    show(#name);                                                                                  \
  }
FLOATS(floats, f32, float, 4)
FLOATS(doubles, f64, double, 2)

// What compilers make vectors of where they may, with lanes moved about.
__attribute__((noinline)) static void loops(const uint8_t *from, uint16_t *to, int n) {
  for (int i = 0; i < n; i++) to[i] = (uint16_t)(from[i] * 3 + (from[n - 1 - i] >> 1));
}
static void shuffles(void) {
  static uint8_t from[1024];
  static uint16_t to[1024];
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 1024; i++) from[i] = (uint8_t)next();
    loops(from, to, 1024 - round);
    for (int i = 0; i < 1024; i += 8) note(to + i);
    u8 a, b;
    memcpy(&a, from + round, 16);
    memcpy(&b, from + 500 + round, 16);
    u8 mixed = __builtin_shufflevector(a, b, 0, 17, 2, 19, 31, 30, 1, 1, 16, 15, 8, 24, 9, 25, 3, 4);
    note(&mixed);
  }
  show("shuffles");
}

int main(void) {
  bytes(), signed_bytes();
  halves(), signed_halves();
  words(), signed_words();
  longs(), signed_longs();
  floats(), doubles();
  shuffles();
  return 0;
}

#ifdef __wasm__
#pragma clang attribute pop
#endif
