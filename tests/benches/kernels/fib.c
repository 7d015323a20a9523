// Direct calls: the naive Fibonacci function.
#include "kernel.h"

static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

unsigned run(unsigned n) { return fib(n); }
