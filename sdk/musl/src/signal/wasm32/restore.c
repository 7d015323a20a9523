#include "ksigaction.h"

/* For its address, which kernels want; handlers return to the runtime. */
void __restore_rt(void)
{
	__builtin_trap();
}
