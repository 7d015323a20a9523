#undef __WORDSIZE
#define __WORDSIZE 32
/* A guest has no registers to show; the types are there for headers that mention them. */
typedef unsigned long elf_greg_t, elf_gregset_t[1];
typedef struct { unsigned long __unused; } elf_fpregset_t;
