#include "pthread_impl.h"
#include "syscall.h"

/* Everything here is in WebAssembly's own locals: neither the stack nor thread-local variables are
 * there any more. No signal is delivered. */
_Noreturn void __end_thread(void)
{
	/* In place of a kernel, which would do it when the thread has ended. */
	a_store(&__thread_list_lock, 0);
	__wake(&__thread_list_lock, -1, 0);
	for (;;) __syscall(SYS_exit, 0);
}

void __unmapself(void *base, size_t size)
{
	__syscall(SYS_munmap, base, size);
	__end_thread();
}
