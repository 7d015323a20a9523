#pragma once
#include <wali.h>

// A plain variable: these guests have one thread.
extern int errno;

// The kernel's result as libc gives it: -1 and errno, or the value.
long long __result(long long raw);
