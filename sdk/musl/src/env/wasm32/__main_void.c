#include <unistd.h>
#include "libc.h"

extern hidden int __main_argc;
extern hidden char **__main_argv;

/* Linked only if the program's main takes the environment, too: it keeps its name. */
int main(int, char **, char **);

int __main_void(void)
{
	return main(__main_argc, __main_argv, __environ);
}
