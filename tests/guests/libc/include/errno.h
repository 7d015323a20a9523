#pragma once
#include <wali.h>

extern _Thread_local int errno;

// The kernel's result as libc gives it: -1 and errno, or the value.
long long __result(long long raw);
