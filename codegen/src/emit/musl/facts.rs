//! A program that compiles only if the C library's headers have the specification's values and
//! layouts.

use std::fmt::Write;

use crate::model::Spec;

/// Headers of musl that define what the kernel does.
const HEADERS: &[&str] = &[
    "errno.h",
    "fcntl.h",
    "limits.h",
    "mqueue.h",
    "net/if.h",
    "netinet/in.h",
    "netinet/tcp.h",
    "netinet/udp.h",
    "poll.h",
    "sched.h",
    "signal.h",
    "sys/epoll.h",
    "sys/eventfd.h",
    "sys/fanotify.h",
    "sys/file.h",
    "sys/inotify.h",
    "sys/ioctl.h",
    "sys/ipc.h",
    "sys/membarrier.h",
    "sys/mman.h",
    "sys/mount.h",
    "sys/msg.h",
    "sys/personality.h",
    "sys/prctl.h",
    "sys/random.h",
    "sys/reboot.h",
    "sys/resource.h",
    "sys/sem.h",
    "sys/shm.h",
    "sys/signalfd.h",
    "sys/socket.h",
    "sys/stat.h",
    "sys/statfs.h",
    "sys/sysinfo.h",
    "sys/time.h",
    "sys/timerfd.h",
    "sys/times.h",
    "sys/timex.h",
    "sys/uio.h",
    "sys/utsname.h",
    "sys/wait.h",
    "sys/xattr.h",
    "termios.h",
    "time.h",
    "unistd.h",
    "utime.h",
];

/// Structs that both have: the specification's name, C's, and whether C's goes on where the
/// kernel's ends.
const STRUCTS: &[(&str, &str, bool)] = &[
    ("epoll_event", "struct epoll_event", false),
    ("f_owner_ex", "struct f_owner_ex", false),
    ("flock", "struct flock", false),
    ("iovec", "struct iovec", false),
    ("itimerspec", "struct itimerspec", false),
    ("itimerval", "struct itimerval", false),
    ("mq_attr", "struct mq_attr", false),
    ("msqid_ds", "struct msqid_ds", false),
    ("pollfd", "struct pollfd", false),
    ("rlimit", "struct rlimit", false),
    ("rusage", "struct rusage", true),
    ("sembuf", "struct sembuf", false),
    ("semid_ds", "struct semid_ds", false),
    ("shmid_ds", "struct shmid_ds", false),
    ("sigaltstack", "stack_t", false),
    ("sigevent", "struct sigevent", true),
    ("siginfo", "siginfo_t", false),
    ("signalfd_siginfo", "struct signalfd_siginfo", false),
    ("stat", "struct stat", false),
    ("statfs", "struct statfs", false),
    ("statx", "struct statx", false),
    ("sysinfo", "struct sysinfo", true),
    ("termios", "struct termios", true),
    ("timespec", "struct timespec", false),
    ("timeval", "struct timeval", false),
    ("timex", "struct timex", false),
    ("tms", "struct tms", false),
    ("utimbuf", "struct utimbuf", false),
    ("utsname", "struct utsname", false),
    ("winsize", "struct winsize", false),
];

/// Constants of the kernel's that the library finds out when a program runs.
const OTHERS: &[&str] = &["SIGRTMIN", "SIGRTMAX"];

/// Fields that the library calls otherwise.
const OTHER_FIELDS: &[&str] = &[
    "stat.st_atime_nsec",
    "stat.st_mtime_nsec",
    "stat.st_ctime_nsec",
];

/// Where the library's structs have spare room: fields of the kernel's from this one on are newer.
const SPARE_FROM: &[(&str, &str)] = &[("statx", "stx_mnt_id")];

/// The program's text.
pub(super) fn facts(spec: &Spec) -> String {
    let mut out = String::from("#define _GNU_SOURCE\n");
    for header in HEADERS {
        let _ = writeln!(out, "#include <{header}>");
    }
    for set in spec.flag_sets.values() {
        let _ = writeln!(out, "\n/* {} */", set.name);
        for member in &set.members {
            if OTHERS.contains(&member.name.as_str()) {
                continue;
            }
            // Signs are the business of whoever uses a value of 32 bits.
            let (ty, value) = match u32::try_from(member.guest & 0xffff_ffff) {
                Ok(low)
                    if i32::try_from(member.guest).is_ok()
                        || u32::try_from(member.guest).is_ok() =>
                {
                    ("unsigned", format!("{low:#x}u"))
                }
                _ => (
                    "unsigned long long",
                    format!("{:#x}ull", member.guest as u64),
                ),
            };
            let name = &member.name;
            let _ = writeln!(
                out,
                "#ifdef {name}\n_Static_assert(({ty})({name}) == {value}, \"{name}\");\n#endif"
            );
        }
    }
    for (name, c, larger) in STRUCTS {
        let Some(of) = spec.structs.get(*name) else {
            continue;
        };
        let comparison = if *larger { ">=" } else { "==" };
        let _ = writeln!(
            out,
            "\n_Static_assert(sizeof({c}) {comparison} {}, \"size of {c}\");",
            of.guest.size
        );
        let spare = SPARE_FROM
            .iter()
            .filter(|(known, _)| known == name)
            .find_map(|(_, first)| of.fields.iter().find(|field| field.name == *first))
            .map_or(u64::MAX, |first| first.guest.offset);
        for field in &of.fields {
            let full = format!("{name}.{}", field.name);
            let newer = field.guest.offset >= spare;
            if newer || field.name.starts_with('_') || OTHER_FIELDS.contains(&full.as_str()) {
                continue;
            }
            let _ = writeln!(
                out,
                "_Static_assert(__builtin_offsetof({c}, {0}) == {1}, \"{c}: {0}\");",
                field.name, field.guest.offset
            );
        }
    }
    out
}
