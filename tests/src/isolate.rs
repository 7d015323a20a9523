//! A place where a process can do little harm: namespaces of its own, a root folder of its own,
//! nobody's rights outside of it.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The user and group that root turns into first.
const NOBODY: libc::uid_t = 65534;

/// Devices that are harmless, and worth a try.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty", "ptmx"];

/// How far it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Namespaces for users, processes, mounts, networks and ipc, and another root.
    Namespaces,
    /// Nothing but a user without rights.
    Nobody,
    /// Nothing at all: the caller's user.
    None,
}

fn check(result: libc::c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Gives a folder to the user that [`enter`] turns into.
///
/// # Errors
/// The kernel's.
pub fn give(folder: &Path) -> io::Result<()> {
    let name = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: asks for a number.
    if unsafe { libc::geteuid() } != 0 {
        return Ok(());
    }
    // SAFETY: the path is a C string.
    match check(unsafe { libc::chown(name.as_ptr(), NOBODY, NOBODY) }) {
        // A namespace without such a user; nobody can turn into it, either.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        result => result,
    }
}

/// Isolates the calling process, which has one thread. The new process namespace, if any, is
/// that of the children it makes from now on.
pub fn enter() -> Isolation {
    // SAFETY: calls without pointers, but for the empty list of groups.
    let nobody = unsafe {
        let was_root = libc::geteuid() == 0;
        was_root
            && libc::setgroups(0, std::ptr::null()) == 0
            && libc::setresgid(NOBODY, NOBODY, NOBODY) == 0
            && libc::setresuid(NOBODY, NOBODY, NOBODY) == 0
            // Or its own procfs would belong to root.
            && libc::prctl(libc::PR_SET_DUMPABLE, 1) == 0
    };
    match namespaces() {
        Ok(()) => Isolation::Namespaces,
        Err(_) if nobody => Isolation::Nobody,
        Err(_) => Isolation::None,
    }
}

fn namespaces() -> io::Result<()> {
    // SAFETY: calls without pointers.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let spaces = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS;
    // SAFETY: as above.
    if let Err(error) = check(unsafe { libc::unshare(spaces) }) {
        // Not to be had with several threads, and an emulator has some of its own. But it may be
        // in a namespace for users already, whose root has no rights outside of it.
        let users = fs::read_to_string("/proc/self/uid_map")?;
        let all = users.split_whitespace().last() == Some("4294967295");
        if all || error.raw_os_error() != Some(libc::EINVAL) {
            return Err(error);
        }
        // SAFETY: as above.
        return check(unsafe { libc::unshare(spaces & !libc::CLONE_NEWUSER) });
    }
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// Makes a folder the root, with a procfs and some devices; in the first process of the new
/// namespace.
///
/// # Errors
/// The kernel's.
pub fn root(folder: &Path) -> io::Result<()> {
    let mount = |source: &str, target: &Path, kind: &str, flags: libc::c_ulong| {
        let source = CString::new(source)?;
        let target = CString::new(target.as_os_str().as_bytes())?;
        let kind = CString::new(kind)?;
        // SAFETY: three C strings.
        check(unsafe {
            libc::mount(
                source.as_ptr(),
                target.as_ptr(),
                kind.as_ptr(),
                flags,
                std::ptr::null(),
            )
        })
    };
    mount("none", Path::new("/"), "", libc::MS_REC | libc::MS_PRIVATE)?;
    let (proc, dev) = (folder.join("proc"), folder.join("dev"));
    fs::create_dir_all(&proc)?;
    fs::create_dir_all(&dev)?;
    mount("proc", &proc, "proc", libc::MS_NOSUID)?;
    for name in DEVICES {
        let place = dev.join(name);
        fs::write(&place, "")?;
        // One that this machine lacks stays an empty file.
        let _ = mount(&format!("/dev/{name}"), &place, "", libc::MS_BIND);
    }
    std::os::unix::fs::chroot(folder)?;
    std::env::set_current_dir("/")
}
