/* With wali-cc --setjmp=exceptions, setjmp and longjmp are the compiler's, and it knows no others. */
#ifdef __WALI_SETJMP_EXCEPTIONS__
void __sigsetjmp_save(jmp_buf, int);
void __sigsetjmp_restore(jmp_buf);
#define _setjmp(buf) setjmp(buf)
#define _longjmp(buf, value) longjmp(buf, value)
#define sigsetjmp(buf, save) (__sigsetjmp_save(buf, save), setjmp(buf))
#define siglongjmp(buf, value) (__sigsetjmp_restore(buf), longjmp(buf, value))
#endif
