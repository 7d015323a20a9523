/* Cancellation. A signal makes the thread look at its flag: before a call that may block, and when
 * one has been interrupted. The handler has no SA_RESTART, so that calls are; a thread that does
 * not want to be cancelled now gets no signal. */
#define _GNU_SOURCE
#include <string.h>
#include "pthread_impl.h"
#include "syscall.h"

hidden long __cancel(void);
hidden long __cancel_before(long), __cancel_after(long, long);

long __cancel(void)
{
	pthread_t self = __pthread_self();
	if (self->canceldisable == PTHREAD_CANCEL_ENABLE || self->cancelasync)
		pthread_exit(PTHREAD_CANCELED);
	self->canceldisable = PTHREAD_CANCEL_DISABLE;
	return -ECANCELED;
}

static int wanted(pthread_t self)
{
	return self->cancel && self->canceldisable != PTHREAD_CANCEL_DISABLE;
}

long __cancel_before(long nr)
{
	pthread_t self = __pthread_self();
	return wanted(self) && !(self->canceldisable && nr == SYS_close) ? __cancel() : 0;
}

long __cancel_after(long nr, long r)
{
	return r == -EINTR && nr != SYS_close && wanted(__pthread_self()) ? __cancel() : r;
}

void __testcancel(void)
{
	pthread_t self = __pthread_self();
	if (self->cancel && !self->canceldisable) __cancel();
}

static void handler(int sig, siginfo_t *info, void *context)
{
	pthread_t self = __pthread_self();
	if (!wanted(self) || !self->cancelasync) return;
	/* The handler does not return. */
	pthread_sigmask(SIG_SETMASK, &((ucontext_t *)context)->uc_sigmask, 0);
	__cancel();
}

int pthread_cancel(pthread_t t)
{
	if (!__cancellations) {
		struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_ONSTACK, .sa_sigaction = handler};
		memset(&sa.sa_mask, -1, _NSIG/8);
		__libc_sigaction(SIGCANCEL, &sa, 0);
		a_store(&__cancellations, 1);
	}
	a_store(&t->cancel, 1);
	if (t == pthread_self()) {
		if (t->canceldisable == PTHREAD_CANCEL_ENABLE && t->cancelasync)
			pthread_exit(PTHREAD_CANCELED);
		return 0;
	}
	if (t->canceldisable == PTHREAD_CANCEL_DISABLE) return 0;
	return pthread_kill(t, SIGCANCEL);
}
