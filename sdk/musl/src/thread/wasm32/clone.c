/* New threads by the runtime's call for it, new processes by copying this one: no two processes
 * share memory, so CLONE_VM without CLONE_THREAD is what it is to a child that only executes. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include "pthread_impl.h"
#include "syscall.h"

__WALI("__wasm_thread_spawn") int __wali_thread_spawn(void (*)(int, void *), void *);

/* What a new thread finds. Its first instructions know the first two members. */
struct thread_start {
	unsigned char *stack;
	uintptr_t *tls;
	pthread_t self;
	int (*func)(void *);
	void *arg;
};

hidden void __wasm_thread_start_libc(int, void *);
hidden void __thread_begin(int, struct thread_start *);
hidden void __wasm_init_tls(void *);

/* The runtime comes here with a stack pointer and thread-local variables that are another
 * thread's, until both are set. */
__asm__(
	".globaltype __stack_pointer, i32\n"
	".functype __wasm_init_tls (i32) -> ()\n"
	".functype __thread_begin (i32, i32) -> ()\n"
	".section .text.__wasm_thread_start_libc,\"\",@\n"
	".hidden __wasm_thread_start_libc\n"
	".globl __wasm_thread_start_libc\n"
	".type __wasm_thread_start_libc,@function\n"
	".export_name __wasm_thread_start_libc, __wasm_thread_start_libc\n"
	"__wasm_thread_start_libc:\n"
	".functype __wasm_thread_start_libc (i32, i32) -> ()\n"
	"local.get 1\n"
	"i32.load 0\n"
	"global.set __stack_pointer\n"
	"local.get 1\n"
	"i32.load 4\n"
	"call __wasm_init_tls\n"
	"local.get 0\n"
	"local.get 1\n"
	"call __thread_begin\n"
	"end_function\n");

void __thread_begin(int tid, struct thread_start *start)
{
	__thread_pointer = (uintptr_t)start->self;
	/* Its maker stores it, too, and may be later. */
	start->self->tid = tid;
	start->func(start->arg);
	for (;;) __syscall(SYS_exit, 0);
}

static int spawn(int (*func)(void *), void *stack, void *arg, pid_t *ptid, pthread_t self)
{
	uintptr_t top = ((uintptr_t)stack - sizeof(struct thread_start)) & -16UL;
	struct thread_start *start = (void *)top;
	*start = (struct thread_start){(void *)top, self->dtv, self, func, arg};
	int tid = __wali_thread_spawn(__wasm_thread_start_libc, start);
	if (tid < 0) return -EAGAIN;
	*ptid = tid;
	return tid;
}

int __clone(int (*func)(void *), void *stack, int flags, void *arg, ...)
{
	va_list ap;
	va_start(ap, arg);
	pid_t *ptid = va_arg(ap, pid_t *);
	void *tls = va_arg(ap, void *);
	pid_t *ctid = va_arg(ap, pid_t *);
	va_end(ap);
	if (flags & CLONE_THREAD) return spawn(func, stack, arg, ptid, tls);

	int others = flags & ~(CLONE_VM | CLONE_VFORK);
	int pid = others == SIGCHLD ? __syscall(SYS_fork)
		: __syscall(SYS_clone, flags & ~CLONE_VM, 0, ptid, ctid, tls);
	if (pid) return pid;
	int status = func(arg);
	for (;;) __syscall(SYS_exit, status);
}
