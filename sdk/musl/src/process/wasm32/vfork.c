#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>
#include "syscall.h"

/* The parent waits, as everywhere; the child has memory of its own. */
pid_t vfork(void)
{
	long pid = __syscall(SYS_vfork);
	if (pid == -ENOSYS) pid = __syscall(SYS_fork);
	return __syscall_ret(pid);
}
