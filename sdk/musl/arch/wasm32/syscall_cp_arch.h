/* Calls at which a thread can be cancelled, with their number in place as for others. */
extern hidden volatile int __cancellations;
hidden long __cancel_before(long), __cancel_after(long, long);

__WALI_INLINE long __wali_syscall_cp(long n, long a, long b, long c, long d, long e, long f)
{
	long r;
	if (__cancellations && (r = __cancel_before(n))) return r;
	r = __wali_syscall(n, a, b, c, d, e, f);
	return r == -EINTR && __cancellations ? __cancel_after(n, r) : r;
}
#undef __syscall_cp
#define __syscall_cp(...) __SYSCALL_DISP(__syscall_cp,__VA_ARGS__)
#undef __syscall_cp0
#undef __syscall_cp1
#undef __syscall_cp2
#undef __syscall_cp3
#undef __syscall_cp4
#undef __syscall_cp5
#undef __syscall_cp6
#define __syscall_cp0(n) __wali_syscall_cp(n,0,0,0,0,0,0)
#define __syscall_cp1(n,a) __wali_syscall_cp(n,__scc(a),0,0,0,0,0)
#define __syscall_cp2(n,a,b) __wali_syscall_cp(n,__scc(a),__scc(b),0,0,0,0)
#define __syscall_cp3(n,a,b,c) __wali_syscall_cp(n,__scc(a),__scc(b),__scc(c),0,0,0)
#define __syscall_cp4(n,a,b,c,d) __wali_syscall_cp(n,__scc(a),__scc(b),__scc(c),__scc(d),0,0)
#define __syscall_cp5(n,a,b,c,d,e) __wali_syscall_cp(n,__scc(a),__scc(b),__scc(c),__scc(d),__scc(e),0)
#define __syscall_cp6(n,a,b,c,d,e,f) __wali_syscall_cp(n,__scc(a),__scc(b),__scc(c),__scc(d),__scc(e),__scc(f))
