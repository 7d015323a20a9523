#define _BSD_SOURCE
#include <unistd.h>
#include "syscall.h"
#include <stdarg.h>

#undef syscall

/* Of callers that have not seen the header, as of other languages: an int takes half the room of a long among
 * variable arguments, so that each is read with the type that the call has. */
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

/* Of those that have: the header widens them. */
long __wali_long_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	return __syscall_ret(__syscall(n, a, b, c, d, e, f));
}
