/* Threads and their memory. The linker lays thread-local variables out and copies their image
 * (__wasm_init_tls); a thread has them in one block with its structure. */
#define SYSCALL_NO_TLS 1
#include <stddef.h>
#include "pthread_impl.h"
#include "libc.h"
#include "syscall.h"

volatile int __thread_list_lock;

_Thread_local uintptr_t __thread_pointer;

int __init_tp(void *p)
{
	pthread_t td = p;
	td->self = td;
	__thread_pointer = (uintptr_t)td;
	libc.can_do_threads = 1;
	td->detach_state = DT_JOINABLE;
	td->tid = __syscall(SYS_set_tid_address, &__thread_list_lock);
	td->locale = &libc.global_locale;
	td->robust_list.head = &td->robust_list.head;
	td->next = td->prev = td;
	return 0;
}

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static size_t tls_align(void)
{
	size_t align = __builtin_wasm_tls_align();
	return align < _Alignof(long double) ? _Alignof(long double) : align;
}

/* A new thread's structure, in a block of libc.tls_size bytes that are 0. Where its variables
 * start is kept for when it runs and can have them initialised. */
void *__copy_tls(unsigned char *mem)
{
	unsigned char *tls = (unsigned char *)round_up((uintptr_t)mem, tls_align());
	size_t size = round_up(__builtin_wasm_tls_size(), _Alignof(struct pthread));
	pthread_t td = (pthread_t)(tls + size);
	td->dtv = (uintptr_t *)tls;
	return td;
}

void __init_tls(size_t *aux)
{
	static struct pthread main_thread;
	libc.tls_align = tls_align();
	libc.tls_size = round_up(libc.tls_align - 1 + __builtin_wasm_tls_size()
		+ _Alignof(struct pthread) + sizeof(struct pthread), 16);
	main_thread.dtv = __builtin_wasm_tls_base();
	__init_tp(&main_thread);
}
