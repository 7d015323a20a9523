//! Files that are memory, by their status alone: those that must not reach a guest, since the
//! runtime's memory can be read or written by them.

use wali_arch::flags::{device_majors, fs_magic, mode_bits};
use wali_arch::layout::{Plain, host};
use wali_arch::syscall;
use wali_arch::tables::number;

/// What a descriptor's status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No memory.
    Harmless,
    /// The `mem` of a process or thread, or something of procfs with the same mode: some
    /// settings below `/proc/sys`.
    Perhaps,
    /// A device with a number that means nothing: the kernel gave it out as drivers came.
    Misc(u32),
    /// Memory of the machine, or a device that takes addresses in what is written to it.
    Memory,
}

/// The mode of every `mem`. The kernel lets nobody change it, and gives it to no other file of
/// a process.
const MEM: u32 = 0o600;

/// The mode of `/proc/kcore` and `/proc/vmcore`; their size is not 0, unlike that of other
/// files with it.
const CORE: u32 = 0o400;

/// `/dev/mem` and `/dev/kmem`; admin-guide/devices.txt has the numbers, no header does.
const MEMORY_MINORS: [u32; 2] = [1, 2];

/// `/dev/cuse`, whose server says which memory of its clients' an ioctl is about, and
/// `/dev/uhid`, where what is written has the address of a description; devices.txt, too.
const MISC_MINORS: [u32; 2] = [203, 239];

/// Minors that the kernel gives out, below the ones that stand for something and above.
const DYNAMIC_BELOW: u32 = 128;
const DYNAMIC_FROM: u32 = 255;

/// The devices of InfiniBand, where what is written has the address of the answer; devices.txt.
const INFINIBAND_MAJOR: i32 = 231;

/// Such devices with numbers that the kernel gives out, as procfs lists them.
const MISC_NAMES: [&[u8]; 2] = [b"rdma_cm", b"crash"];

/// Looks at a descriptor: one cheap system call for nearly all.
pub fn look(fd: i32) -> Verdict {
    let mut status = host::stat::zeroed();
    let place = core::ptr::from_mut(&mut status) as usize;
    let Some(fstat) = number::fstat else {
        return Verdict::Memory;
    };
    // SAFETY: the kernel writes the structure, which is a live local.
    if unsafe { syscall::syscall2(fstat, fd as usize, place) } < 0 {
        return Verdict::Memory;
    }
    let kind = status.st_mode & mode_bits::S_IFMT as u32;
    let mode = status.st_mode & 0o7777;
    if kind == mode_bits::S_IFREG as u32 {
        match mode {
            MEM if is_in_proc(fd) => Verdict::Perhaps,
            CORE if status.st_size > 0 && is_in_proc(fd) => Verdict::Memory,
            _ => Verdict::Harmless,
        }
    } else if kind == mode_bits::S_IFCHR as u32 {
        let (major, minor) = (libc::major(status.st_rdev), libc::minor(status.st_rdev));
        match major as i32 {
            device_majors::MEM_MAJOR if MEMORY_MINORS.contains(&minor) => Verdict::Memory,
            device_majors::MISC_MAJOR if MISC_MINORS.contains(&minor) => Verdict::Memory,
            device_majors::MISC_MAJOR if !(DYNAMIC_BELOW..DYNAMIC_FROM).contains(&minor) => {
                Verdict::Misc(minor)
            }
            // A request that is written has the address of its buffer.
            device_majors::SCSI_GENERIC_MAJOR | INFINIBAND_MAJOR => Verdict::Memory,
            // Registers of a processor, with the addresses of what the kernel runs.
            device_majors::MSR_MAJOR => Verdict::Memory,
            _ => Verdict::Harmless,
        }
    } else {
        Verdict::Harmless
    }
}

/// Whether the device with a minor that the kernel gave out is among those that take addresses,
/// by procfs's list of minors and names.
pub fn takes_addresses(minor: u32, list: &[u8]) -> bool {
    list.split(|&byte| byte == b'\n').any(|line| {
        let line = line.trim_ascii();
        let (number, name) = line.split_at(line.iter().position(|&b| b == b' ').unwrap_or(0));
        number == minor.to_string().as_bytes() && MISC_NAMES.contains(&name.trim_ascii())
    })
}

/// Whether a descriptor is of procfs.
pub fn is_in_proc(fd: i32) -> bool {
    let mut status = core::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the kernel fills the local in if it returns 0.
    unsafe {
        libc::fstatfs(fd, status.as_mut_ptr()) == 0
            && status.assume_init().f_type == fs_magic::PROC_SUPER_MAGIC as libc::__fsword_t
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_found_in_the_list_by_their_whole_number() {
        let list = b"258 vsock\n 59 rdma_cm\n229 fuse\n  9 crash\n";
        assert!(takes_addresses(59, list) && takes_addresses(9, list));
        for minor in [258, 229, 5, 0, 590] {
            assert!(!takes_addresses(minor, list), "{minor}");
        }
    }
}
