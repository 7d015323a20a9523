/* Identities in all threads, by numbers that are constant where they are used. */
#include <signal.h>
#include <unistd.h>
#include "libc.h"
#include "syscall.h"

struct change {
	int nr, id, eid, sid, ret;
};

static long make(const struct change *c)
{
	switch (c->nr) {
	case SYS_setuid: return __syscall(SYS_setuid, c->id);
	case SYS_setgid: return __syscall(SYS_setgid, c->id);
	case SYS_setreuid: return __syscall(SYS_setreuid, c->id, c->eid);
	case SYS_setregid: return __syscall(SYS_setregid, c->id, c->eid);
	case SYS_setresuid: return __syscall(SYS_setresuid, c->id, c->eid, c->sid);
	case SYS_setresgid: return __syscall(SYS_setresgid, c->id, c->eid, c->sid);
	}
	return -ENOSYS;
}

static void change_one(void *p)
{
	struct change *c = p;
	if (c->ret < 0) return;
	int ret = make(c);
	/* Some threads have changed and this one cannot: nothing is safe any more. */
	if (ret && !c->ret) {
		__block_all_sigs(0);
		__syscall(SYS_kill, __syscall(SYS_getpid), SIGKILL);
	}
	c->ret = ret;
}

int __setxid(int nr, int id, int eid, int sid)
{
	struct change c = {nr, id, eid, sid, 1};
	__synccall(change_one, &c);
	return __syscall_ret(c.ret > 0 ? -EAGAIN : c.ret);
}
