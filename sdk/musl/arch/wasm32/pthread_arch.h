/* The thread's structure, found through one of its thread-local variables. */
extern __attribute__((__visibility__("hidden"))) _Thread_local uintptr_t __thread_pointer;

static inline uintptr_t __get_tp(void)
{
	return __thread_pointer;
}
