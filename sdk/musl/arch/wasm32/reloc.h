/* Nothing is loaded at run time. */
#define LDSO_ARCH "wasm32"
#define CRTJMP(pc, sp) __builtin_trap()
