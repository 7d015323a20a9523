#define _BSD_SOURCE
#include <unistd.h>
#include "syscall.h"
#include <stdarg.h>

#undef syscall

/* Elsewhere an int among variable arguments takes as much room as a long. Here it takes half of that,
 * so that each is read with the type that the call has. */
long syscall(long n, ...)
{
	long args[6];
	unsigned wide = __wali_wide(n);
	va_list ap;
	va_start(ap, n);
	for (int i = 0; i < 6; i++)
		args[i] = wide >> i & 1 ? va_arg(ap, long) : va_arg(ap, int);
	va_end(ap);
	return __syscall_ret(__syscall(n, args[0], args[1], args[2], args[3], args[4], args[5]));
}
