/* From the runtime's call of _start to main, by way of what musl does for every program. The
 * arguments, the environment and the auxiliary vector are put together as a kernel would. */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMPORT(name) __attribute__((__import_module__("wali"), __import_name__(name)))
#define EXPORT(name) __attribute__((__export_name__(name), __visibility__("hidden")))

IMPORT("__init") int __wali_init(void);
IMPORT("__cl_get_argc") int __wali_argc(void);
IMPORT("__cl_get_argv_len") int __wali_argv_len(int);
IMPORT("__cl_copy_argv") int __wali_copy_argv(char *, int);
IMPORT("__get_init_envfile") int __wali_envfile(char *, int);
IMPORT("SYS_open") long __wali_open(const char *, int, int);
IMPORT("SYS_read") long __wali_read(int, void *, int);
IMPORT("SYS_fstat") long __wali_fstat(int, struct stat *);
IMPORT("SYS_close") long __wali_close(int);
IMPORT("SYS_mmap") long __wali_mmap(int, int, int, int, int, long);

/* What the linker calls the constructors together. */
void __wasm_call_ctors(void);
_Noreturn int __libc_start_main(int (*)(int, char **, char **), int, char **, void (*)(void),
                                void (*)(void), void (*)(void));
extern __attribute__((__visibility__("hidden"))) int __main_returned;

/* musl calls this first of all that a program brings. */
__attribute__((__visibility__("hidden"))) void _init(void)
{
	__wasm_call_ctors();
}

/* What the compiler makes of a main with two parameters; src/env/wasm32 has one for others. */
int __main_argc_argv(int, char **);

static int call_main(int argc, char **argv, char **envp)
{
	int status = __main_argc_argv(argc, argv);
	(void)envp;
	__main_returned = 1;
	return status;
}

/* Memory that stays; the program cannot start without. */
static void *allocate(size_t size)
{
	long at = __wali_mmap(0, (int)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at < 0) __builtin_trap();
	return (void *)(uintptr_t)at;
}

/* The file with a variable in each line, with a NUL behind it; none if there is none. */
static char *environment_text(void)
{
	char path[PATH_MAX];
	struct stat st;
	if (!__wali_envfile(path, sizeof path) || !path[0]) return 0;
	int fd = (int)__wali_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0) return 0;
	char *text = 0;
	if (!__wali_fstat(fd, &st) && st.st_size > 0) {
		size_t size = (size_t)st.st_size, have = 0;
		text = allocate(size + 1);
		while (have < size) {
			long n = __wali_read(fd, text + have, (int)(size - have));
			if (n <= 0) break;
			have += (size_t)n;
		}
	}
	__wali_close(fd);
	return text;
}

/* The next variable, of which `*at` is the start, cut off from what follows. */
static char *next_variable(char **at)
{
	while (*at && **at) {
		char *line = *at, *end = line;
		int named = 0;
		while (*end && *end != '\n') named |= *end++ == '=';
		*at = *end ? end + 1 : end;
		*end = 0;
		if (named) return line;
	}
	return 0;
}

EXPORT("_start") void _start(void)
{
	if (__wali_init()) __builtin_trap();
	char *text = environment_text();
	size_t lines = 1, argc = (size_t)__wali_argc(), strings = 0;
	for (char *p = text; p && *p; p++) lines += *p == '\n';
	for (size_t i = 0; i < argc; i++) strings += (size_t)__wali_argv_len((int)i) + 1;

	static const size_t auxv[] = {AT_PAGESZ, PAGESIZE, AT_CLKTCK, 100, AT_NULL, 0};
	size_t words = argc + 1 + lines + 1 + sizeof auxv / sizeof *auxv;
	char **const argv = allocate(words * sizeof *argv + strings);
	char **put = argv, *string = (char *)(argv + words);
	for (size_t i = 0; i < argc; i++) {
		*put++ = string;
		if (__wali_copy_argv(string, (int)i)) __builtin_trap();
		string += __wali_argv_len((int)i) + 1;
	}
	*put++ = 0;
	while ((*put = next_variable(&text))) put++;
	put++;
	for (size_t i = 0; i < sizeof auxv / sizeof *auxv; i++) *put++ = (char *)auxv[i];
	__libc_start_main(call_main, (int)argc, argv, 0, 0, 0);
}

/* Engines that do not keep the memory themselves ask here. */
EXPORT("__wasm_memory_size") int __wasm_memory_size(void)
{
	return (int)__builtin_wasm_memory_size(0);
}
EXPORT("__wasm_memory_grow") int __wasm_memory_grow(int pages)
{
	return (int)__builtin_wasm_memory_grow(0, (unsigned)pages);
}
