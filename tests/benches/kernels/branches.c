// Branchy code: a little machine with a switch for its instructions, n times a program of loops.
#include "kernel.h"

enum { PUSH, ADD, SUB, MUL, DUP, SWAP, LOAD, STORE, LESS, JUMP, JUMP_IF, HALT };

// The sum of a hundred squares.
static const signed char program[] = {
    PUSH, 0,  STORE, 0,  PUSH, 0,     STORE, 1,                           // sum, i
    LOAD, 1,  PUSH,  100, LESS, JUMP_IF, 18,   JUMP, 46,                  // while i < 100
    0,                                                                    // (never reached)
    LOAD, 0,  LOAD,  1,  DUP,  MUL,   ADD,   STORE, 0,                    // sum += i * i
    LOAD, 1,  PUSH,  1,  ADD,  STORE, 1,                                  // i += 1
    LOAD, 0,  PUSH,  1,  SWAP, SUB,   STORE, 2,     JUMP, 8, 0, 0,  // x = 1 - sum
    HALT,
};

static unsigned interpret(unsigned seed) {
  unsigned stack[8], slots[4] = {seed, seed, seed, seed}, top = 0, at = 0, steps = 0;
  for (;; steps++) {
    unsigned a;
    switch (program[at++]) {
      case PUSH: stack[top++] = (unsigned)program[at++]; break;
      case ADD: top--, stack[top - 1] += stack[top]; break;
      case SUB: top--, stack[top - 1] -= stack[top]; break;
      case MUL: top--, stack[top - 1] *= stack[top]; break;
      case DUP: stack[top] = stack[top - 1], top++; break;
      case SWAP: a = stack[top - 1], stack[top - 1] = stack[top - 2], stack[top - 2] = a; break;
      case LOAD: stack[top++] = slots[program[at++]]; break;
      case STORE: slots[program[at++]] = stack[--top]; break;
      case LESS: top--, stack[top - 1] = stack[top - 1] < stack[top]; break;
      case JUMP: at = (unsigned)program[at]; break;
      case JUMP_IF: a = (unsigned)program[at++]; if (stack[--top]) at = a; break;
      default: return slots[0] ^ slots[2] ^ steps;
    }
  }
}

unsigned run(unsigned n) {
  unsigned sum = 0;
  for (unsigned i = 0; i < n * 100; i++) sum = sum * 31 + interpret(i);
  return sum;
}
