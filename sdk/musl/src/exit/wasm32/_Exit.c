#include <stdlib.h>
#include "syscall.h"

__WALI("__deinit") int __wali_deinit(void);
__WALI("__proc_exit") void __wali_proc_exit(int);

/* Set when main has returned, before exit is called with what it returned. */
hidden int __main_returned;

_Noreturn void _Exit(int ec)
{
	if (__main_returned && !ec) {
		__main_returned = 0;
		ec = __wali_deinit();
	}
	for (;;) __wali_proc_exit(ec);
}
