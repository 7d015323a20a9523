//! Having a command see an older kernel: calls that came later fail with `ENOSYS`, and what came
//! later to older calls with `EINVAL`, by a filter that its children inherit.
//!
//! That is a stand-in for booting one, which has mistakes and limits of its own besides.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use wali_codegen::model::{Release, Since, Spec};

/// What came to a call that is older: the bits of an argument's low half that a kernel before
/// `until` does not know, or, if `whole`, the value.
struct Addition {
    until: Release,
    call: &'static str,
    argument: u32,
    value: i32,
    whole: bool,
}

/// What the runtime makes use of, as the manual pages of the calls have it.
const ADDITIONS: [Addition; 5] = [
    Addition {
        // For private anonymous memory 5.7, which a filter cannot see.
        until: Release([5, 13, 0]),
        call: "mremap",
        argument: 3,
        value: libc::MREMAP_DONTUNMAP,
        whole: false,
    },
    Addition {
        until: Release([5, 14, 0]),
        call: "madvise",
        argument: 2,
        value: libc::MADV_POPULATE_READ,
        whole: true,
    },
    Addition {
        until: Release([5, 14, 0]),
        call: "madvise",
        argument: 2,
        value: libc::MADV_POPULATE_WRITE,
        whole: true,
    },
    Addition {
        until: Release([4, 14, 0]),
        call: "madvise",
        argument: 2,
        value: libc::MADV_WIPEONFORK,
        whole: true,
    },
    Addition {
        until: Release([5, 17, 0]),
        call: "prctl",
        argument: 0,
        value: libc::PR_SET_VMA,
        whole: true,
    },
];

/// A kernel that is older than this one, as far as a filter can make it so.
#[derive(Clone)]
pub struct OldKernel {
    filter: Vec<libc::sock_filter>,
    /// The names of the calls that it has not.
    pub lacking: Vec<String>,
}

const fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    let code = code as u16;
    libc::sock_filter { code, jt, jf, k }
}

/// Loads a word of what the kernel tells the filter.
const fn load(offset: usize) -> libc::sock_filter {
    let code = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    instruction(code, 0, 0, offset as u32)
}

const fn give(action: u32) -> libc::sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, action)
}

impl OldKernel {
    /// The calls of this release and no later ones.
    pub fn new(spec: &Spec, release: Release) -> OldKernel {
        let isa = spec
            .isas
            .iter()
            .position(|isa| isa.name == std::env::consts::ARCH);
        let isa = isa.expect("an ISA of the specification");
        let failing = |errno: i32| give(libc::SECCOMP_RET_ERRNO | errno as u32);
        let equals = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        let has_bits = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
        let number = load(std::mem::offset_of!(libc::seccomp_data, nr));
        let mut filter = vec![number];
        let mut lacking = Vec::new();
        for call in spec.calls.values() {
            let here = match call.since {
                Some(Since::Exactly(first)) => release >= first,
                Some(Since::Between { by, .. }) => release >= by,
                // Not even this kernel has it.
                None => true,
            };
            if let (false, Some(number)) = (here, call.numbers.0[isa]) {
                filter.push(instruction(equals, 0, 1, number));
                filter.push(failing(libc::ENOSYS));
                lacking.push(call.name.clone());
            }
        }
        for addition in ADDITIONS.iter().filter(|addition| release < addition.until) {
            let Some(call) = spec.calls[addition.call].numbers.0[isa] else {
                continue;
            };
            let argument = std::mem::offset_of!(libc::seccomp_data, args)
                + addition.argument as usize * size_of::<u64>();
            let test = if addition.whole { equals } else { has_bits };
            filter.extend([
                instruction(equals, 0, 4, call),
                load(argument),
                instruction(test, 0, 1, addition.value as u32),
                failing(libc::EINVAL),
                number,
            ]);
        }
        filter.push(give(libc::SECCOMP_RET_ALLOW));
        OldKernel { filter, lacking }
    }

    /// Has a command run on it.
    pub fn prepare(&self, command: &mut Command) {
        let filter = self.filter.clone();
        let install = move || {
            let program = libc::sock_fprog {
                len: filter.len() as u16,
                filter: filter.as_ptr().cast_mut(),
            };
            // SAFETY: the kernel copies the program, which lives throughout; between fork and
            // execve only system calls are made.
            unsafe {
                let filter = libc::SECCOMP_MODE_FILTER as libc::c_ulong;
                let set = || libc::prctl(libc::PR_SET_SECCOMP, filter, &raw const program) == 0;
                // Who may administer the system needs no promise, and some tests look at that.
                if set() || libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && set() {
                    return Ok(());
                }
            }
            Err(io::Error::last_os_error())
        };
        // SAFETY: as said in it.
        unsafe { command.pre_exec(install) };
    }
}
