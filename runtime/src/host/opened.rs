//! What a guest may not open, however it is spelt: files that are the runtime's memory.
//! The opened object is looked at, not its name, which links, working directories and
//! other threads can change.

use std::ffi::CString;
use std::mem::MaybeUninit;

use wali_arch::flags::{errno, fs_magic};

use super::abi::Errno;

/// Gives a descriptor that was just opened to the guest, or closes it and fails: `EACCES`
/// for the memory of a process under /proc. Errors pass.
pub fn admit(result: i64) -> i64 {
    let Ok(fd) = i32::try_from(result) else {
        return result;
    };
    if fd < 0 || !is_in_proc(fd) || !is_memory(fd) {
        return result;
    }
    // SAFETY: the descriptor was just made for the guest, which has not seen it.
    unsafe { libc::close(fd) };
    Errno(errno::EACCES).result()
}

fn is_in_proc(fd: i32) -> bool {
    let mut status = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the kernel fills the local in if it returns 0.
    unsafe {
        libc::fstatfs(fd, status.as_mut_ptr()) == 0
            && status.assume_init().f_type == fs_magic::PROC_SUPER_MAGIC as libc::__fsword_t
    }
}

/// Whether a file of procfs is a process's or thread's `mem`; if its name cannot be told,
/// it counts as one.
fn is_memory(fd: i32) -> bool {
    let mut name = [0u8; 64];
    let Ok(link) = CString::new(format!("/proc/self/fd/{fd}")) else {
        return true;
    };
    // SAFETY: the path is a C string, and the buffer has the length given.
    let len = unsafe { libc::readlink(link.as_ptr(), name.as_mut_ptr().cast(), name.len()) };
    match usize::try_from(len) {
        // A name that fills the buffer is cut off. `mem` is always near the top of procfs,
        // but procfs may be mounted anywhere.
        Ok(len) if len < name.len() => name[..len].ends_with(b"/mem"),
        Ok(_) => long_name(&link).is_none_or(|name| name.ends_with(b"/mem")),
        Err(_) => true,
    }
}

fn long_name(link: &CString) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    let name = std::fs::read_link(link.to_str().ok()?).ok()?;
    Some(name.into_os_string().into_vec())
}
