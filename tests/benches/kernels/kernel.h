// A kernel is one function of one number, without imports: `run(n)` does work that grows
// with n and returns a checksum, the same in every world.
#pragma once

#ifdef __wasm__
#define KERNEL __attribute__((export_name("run")))
#else
#define KERNEL
#endif

KERNEL unsigned run(unsigned n);
