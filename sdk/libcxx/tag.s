# The tag of C++'s exceptions, one in a program; weak, as Rust's library has it, too.
	.tagtype	__cpp_exception i32
	.weak	__cpp_exception
__cpp_exception:
