;; The smallest WALI program: one system call, then the end.
;;
;;     wali run examples/hello.wat
(module
  ;; write(fd, buffer, count), with the kernel's result: a count, or -errno.
  (import "wali" "SYS_write" (func $write (param i32 i32 i32) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))

  ;; Pointers given to the kernel are offsets into this memory.
  (memory (export "memory") 1)
  (data (i32.const 1024) "Hello from WebAssembly on Linux!\n")

  (func (export "_start")
    (call $exit
      ;; Status 1 if the text did not go out.
      (i64.ne
        (call $write (i32.const 1) (i32.const 1024) (i32.const 33))
        (i64.const 33)))))
