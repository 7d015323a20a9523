/* As large as in other libraries for this interface; what is in it is the runtime's. */
typedef unsigned long __jmp_buf[26];
