/* Calls at which threads can be cancelled: pthread_cancel.c has what these do once a thread has
 * been. */
#include "pthread_impl.h"
#include "syscall.h"

hidden volatile int __cancellations;

static long nothing(long n)
{
	return 0;
}
weak_alias(nothing, __cancel_before);

static long unchanged(long n, long r)
{
	return r;
}
weak_alias(unchanged, __cancel_after);
