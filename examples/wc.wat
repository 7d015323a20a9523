;; wc(1) by hand: counts the lines, words and bytes of a file.
;;
;;     wali run examples/wc.wat README.md
;;     wali run examples/wc.wat < README.md
;;
;; Shows what every WALI program is made of: arguments come through the auxiliary calls
;; __cl_*, files through the kernel's own calls under their own names, and errors as
;; negative results.
(module
  (import "wali" "__init" (func $init (result i32)))
  (import "wali" "__deinit" (func $deinit (result i32)))
  (import "wali" "__proc_exit" (func $exit (param $status i32)))
  (import "wali" "__cl_get_argc" (func $argc (result i32)))
  (import "wali" "__cl_get_argv_len" (func $argv_len (param $index i32) (result i32)))
  (import "wali" "__cl_copy_argv" (func $copy_argv (param $to i32) (param $index i32) (result i32)))
  (import "wali" "SYS_open"
    (func $open (param $path i32) (param $flags i32) (param $mode i32) (result i64)))
  (import "wali" "SYS_read"
    (func $read (param $fd i32) (param $buffer i32) (param $count i32) (result i64)))
  (import "wali" "SYS_write"
    (func $write (param $fd i32) (param $buffer i32) (param $count i32) (result i64)))

  ;; What lies where. Nothing is at 0, which the kernel's calls take for no pointer.
  ;;    64  a number's digits, written backwards from 96
  ;;   128  the messages
  ;;  4096  the buffer that files are read into, 32 KiB
  ;; 36864  the file's name, up to 28 KiB
  (memory (export "memory") 1)
  (global $buffer i32 (i32.const 4096))
  (global $buffer_size i32 (i32.const 32768))
  (global $name i32 (i32.const 36864))
  (global $name_room i32 (i32.const 28672))
  (data (i32.const 128) "wc: cannot read ")   ;; 16 bytes
  (data (i32.const 160) "                ")   ;; 16 blanks
  (data (i32.const 192) "\n")

  (global $lines (mut i64) (i64.const 0))
  (global $words (mut i64) (i64.const 0))
  (global $bytes (mut i64) (i64.const 0))

  ;; Writes all of a text, or gives up: there is nobody left to tell.
  (func $put (param $fd i32) (param $text i32) (param $count i32)
    (local $done i64)
    (block $finished
      (loop $more
        (br_if $finished (i32.eqz (local.get $count)))
        (local.set $done (call $write (local.get $fd) (local.get $text) (local.get $count)))
        (br_if $finished (i64.le_s (local.get $done) (i64.const 0)))
        (local.set $text (i32.add (local.get $text) (i32.wrap_i64 (local.get $done))))
        (local.set $count (i32.sub (local.get $count) (i32.wrap_i64 (local.get $done))))
        (br $more))))

  ;; Blank, tab, line feed, vertical tab, form feed, carriage return.
  (func $is_space (param $c i32) (result i32)
    (i32.or
      (i32.eq (local.get $c) (i32.const 0x20))
      (i32.lt_u (i32.sub (local.get $c) (i32.const 9)) (i32.const 5))))

  ;; Counts everything that can be read from a descriptor; the result of the last read.
  (func $count (param $fd i32) (result i64)
    (local $got i64) (local $at i32) (local $end i32) (local $c i32) (local $in_word i32)
    (loop $next_part
      (local.set $got
        (call $read (local.get $fd) (global.get $buffer) (global.get $buffer_size)))
      (if (i64.gt_s (local.get $got) (i64.const 0))
        (then
          (global.set $bytes (i64.add (global.get $bytes) (local.get $got)))
          (local.set $at (global.get $buffer))
          (local.set $end (i32.add (local.get $at) (i32.wrap_i64 (local.get $got))))
          (loop $next_byte
            (local.set $c (i32.load8_u (local.get $at)))
            (if (i32.eq (local.get $c) (i32.const 0x0a))
              (then (global.set $lines (i64.add (global.get $lines) (i64.const 1)))))
            (if (call $is_space (local.get $c))
              (then (local.set $in_word (i32.const 0)))
              (else
                ;; A word begins where none was; it may have begun in the part before.
                (if (i32.eqz (local.get $in_word))
                  (then (global.set $words (i64.add (global.get $words) (i64.const 1)))))
                (local.set $in_word (i32.const 1))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $next_byte (i32.lt_u (local.get $at) (local.get $end))))
          (br $next_part))))
    (local.get $got))

  ;; Writes a number's digits so that they end before 96; the address of the first.
  (func $digits (param $n i64) (result i32)
    (local $at i32)
    (local.set $at (i32.const 96))
    (loop $more
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 0x30) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
      (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
      (br_if $more (i64.ne (local.get $n) (i64.const 0))))
    (local.get $at))

  ;; Prints a number, padded with blanks to a width.
  (func $put_number (param $n i64) (param $width i32)
    (local $first i32) (local $length i32)
    (local.set $first (call $digits (local.get $n)))
    (local.set $length (i32.sub (i32.const 96) (local.get $first)))
    (if (i32.lt_s (local.get $length) (local.get $width))
      (then
        (call $put (i32.const 1) (i32.const 160)
          (i32.sub (local.get $width) (local.get $length)))))
    (call $put (i32.const 1) (local.get $first) (local.get $length)))

  ;; Prints the counts, each as wide as the number of bytes, which is the largest.
  (func $report (param $name_length i32)
    (local $width i32)
    (local.set $width (i32.sub (i32.const 96) (call $digits (global.get $bytes))))
    (call $put_number (global.get $lines) (local.get $width))
    (call $put (i32.const 1) (i32.const 160) (i32.const 1))
    (call $put_number (global.get $words) (local.get $width))
    (call $put (i32.const 1) (i32.const 160) (i32.const 1))
    (call $put_number (global.get $bytes) (local.get $width))
    (if (local.get $name_length)
      (then
        (call $put (i32.const 1) (i32.const 160) (i32.const 1))
        (call $put (i32.const 1) (global.get $name) (local.get $name_length))))
    (call $put (i32.const 1) (i32.const 192) (i32.const 1)))

  ;; Says which file could not be read; the exit status for that.
  (func $complain (param $name_length i32) (result i32)
    (call $put (i32.const 2) (i32.const 128) (i32.const 16))
    (call $put (i32.const 2) (global.get $name) (local.get $name_length))
    (call $put (i32.const 2) (i32.const 192) (i32.const 1))
    (i32.const 1))

  (func $main (result i32)
    (local $fd i64) (local $length i32)
    ;; Argument 0 is the program; without another one, standard input is counted.
    (if (i32.gt_s (call $argc) (i32.const 1))
      (then
        (local.set $length (call $argv_len (i32.const 1)))
        (if (i32.ge_u (local.get $length) (global.get $name_room))
          (then (return (i32.const 1))))
        ;; The copy ends with a NUL, as SYS_open wants it.
        (drop (call $copy_argv (global.get $name) (i32.const 1)))
        (local.set $fd (call $open (global.get $name) (i32.const 0) (i32.const 0)))
        (if (i64.lt_s (local.get $fd) (i64.const 0))
          (then (return (call $complain (local.get $length)))))))
    (if (i64.lt_s (call $count (i32.wrap_i64 (local.get $fd))) (i64.const 0))
      (then (return (call $complain (local.get $length)))))
    (call $report (local.get $length))
    (i32.const 0))

  (func (export "_start")
    (local $status i32)
    (if (call $init) (then (call $exit (i32.const 1))))
    (local.set $status (call $main))
    (if (i32.eqz (local.get $status))
      (then (local.set $status (call $deinit))))
    (call $exit (local.get $status))))
