/* What the compiler calls if it makes setjmp and longjmp of WebAssembly's exceptions, instead of
 * importing them (-mllvm -wasm-enable-sjlj). A jump is an exception, which each function with a
 * setjmp catches, asks here whether it is its own, and else throws on. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

/* The compiler's tag for jumps. */
#define JUMP 1
__asm__(".globl __c_longjmp\n"
	".tagtype __c_longjmp i32\n"
	"__c_longjmp:\n");

/* At the start of a jmp_buf. The compiler reads `env` and `value` through what is thrown. */
struct mark {
	void *invocation;
	uint32_t label;
	struct {
		void *env;
		int value;
	} thrown;
};

_Static_assert(sizeof(struct mark) <= sizeof(jmp_buf), "a mark fits");

void __wasm_setjmp(void *env, uint32_t label, void *invocation)
{
	struct mark *mark = env;
	mark->invocation = invocation;
	mark->label = label;
}

/* The label of the setjmp that marked this call of the function, or 0. */
uint32_t __wasm_setjmp_test(void *env, void *invocation)
{
	const struct mark *mark = env;
	return mark->invocation == invocation ? mark->label : 0;
}

_Noreturn void __wasm_longjmp(void *env, int value)
{
	struct mark *mark = env;
	mark->thrown.env = env;
	mark->thrown.value = value ? value : 1;
	__builtin_wasm_throw(JUMP, &mark->thrown);
}

/* What bits/sigsetjmp.h makes sigsetjmp and siglongjmp of, which the compiler does not know. */
void __sigsetjmp_save(jmp_buf buf, int save)
{
	buf->__fl = save;
	if (save) sigprocmask(SIG_SETMASK, 0, (sigset_t *)buf->__ss);
}

void __sigsetjmp_restore(jmp_buf buf)
{
	if (buf->__fl) sigprocmask(SIG_SETMASK, (sigset_t *)buf->__ss, 0);
}
