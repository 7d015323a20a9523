//! Crates that others wrote: `rayon`, and `libc`, whose structures are the C library's.
use std::mem::MaybeUninit;

use rayon::prelude::*;

fn main() {
    let squares: u64 = (0..100_000u64).into_par_iter().map(|n| n * n % 1009).sum();
    let mut words: Vec<u32> = (0..200_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761))
        .collect();
    words.par_sort_unstable();
    println!("{squares} {} {}", words[1000], words.is_sorted());
    epoll();
    system();
}

/// The structure is packed, and holds 64 bits of the program's.
fn epoll() {
    let mut fds = [0; 2];
    // SAFETY: the kernel is given places for what it writes, and how many.
    unsafe {
        assert_eq!(libc::pipe(fds.as_mut_ptr()), 0);
        let at = libc::epoll_create1(libc::EPOLL_CLOEXEC);
        for (fd, events) in [(fds[0], libc::EPOLLIN), (fds[1], libc::EPOLLOUT)] {
            let u64 = 0xfeed_0000_0000 | events as u64;
            let mut event = libc::epoll_event {
                events: events as u32,
                u64,
            };
            println!(
                "{}",
                libc::epoll_ctl(at, libc::EPOLL_CTL_ADD, fd, &mut event)
            );
        }
        for round in 0..2 {
            let mut events = [libc::epoll_event { events: 0, u64: 0 }; 4];
            let n = libc::epoll_wait(at, events.as_mut_ptr(), 4, 10_000);
            let mut got: Vec<_> = events[..n as usize]
                .iter()
                .map(|e| ({ e.events }, { e.u64 }))
                .collect();
            got.sort();
            println!("{round} {got:x?}");
            assert_eq!(libc::write(fds[1], c"x".as_ptr().cast(), 1), 1);
        }
    }
}

extern "C" fn note(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands a handler with SA_SIGINFO the structure.
    let (own, code) = unsafe { ((*info).si_pid() == libc::getpid(), (*info).si_code) };
    let text = format!("signal {signal} own {own} code {code}\n");
    // SAFETY: the bytes are there.
    unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
}

/// Structures with a `long`, a pointer or a set in them, and functions that take one.
fn system() {
    // SAFETY: each call is given what it asks for, of the crate's own types.
    unsafe {
        println!(
            "{} {}",
            size_of::<libc::c_long>(),
            libc::sysconf(libc::_SC_PAGESIZE)
        );
        println!(
            "{} {}",
            libc::getauxval(libc::AT_PAGESZ),
            libc::syscall(libc::SYS_getpid) == libc::getpid() as libc::c_long
        );
        let mut fds = [0; 2];
        println!("{}", libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC));
        let mut poll = libc::pollfd {
            fd: fds[1],
            events: libc::POLLOUT,
            revents: 0,
        };
        println!("{} {}", libc::poll(&mut poll, 1, 1000), poll.revents);
        let parts = ["one, ", "two"].map(|s| libc::iovec {
            iov_base: s.as_ptr() as *mut _,
            iov_len: s.len(),
        });
        println!("{}", libc::writev(fds[1], parts.as_ptr(), 2));
        let mut waiting: libc::c_int = 0;
        println!(
            "{} {waiting}",
            libc::ioctl(fds[0], libc::FIONREAD, &raw mut waiting)
        );
        println!("{waiting} {}", libc::fcntl(fds[0], libc::F_GETFD));

        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = note as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaddset(&mut action.sa_mask, libc::SIGUSR2);
        println!(
            "{}",
            libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut())
        );
        let mut old: libc::sigaction = MaybeUninit::zeroed().assume_init();
        println!(
            "{}",
            libc::sigaction(libc::SIGUSR1, std::ptr::null(), &mut old)
        );
        println!(
            "{} {:x}",
            libc::sigismember(&old.sa_mask, libc::SIGUSR2),
            old.sa_flags & (libc::SA_SIGINFO | libc::SA_RESTART)
        );
        println!("{}", libc::kill(libc::getpid(), libc::SIGUSR1));

        let mut limits: libc::rlimit = MaybeUninit::zeroed().assume_init();
        println!(
            "{} {}",
            libc::getrlimit(libc::RLIMIT_CORE, &mut limits),
            limits.rlim_cur <= limits.rlim_max
        );
        let mut usage: libc::rusage = MaybeUninit::zeroed().assume_init();
        println!(
            "{} {}",
            libc::getrusage(libc::RUSAGE_SELF, &mut usage),
            usage.ru_utime.tv_usec < 1_000_000
        );
        let mut of: libc::statvfs = MaybeUninit::zeroed().assume_init();
        println!(
            "{} {} {}",
            libc::statvfs(c"/".as_ptr(), &mut of),
            of.f_frsize,
            of.f_namemax
        );
        let mut info: libc::sysinfo = MaybeUninit::zeroed().assume_init();
        println!(
            "{} {}",
            libc::sysinfo(&mut info),
            info.totalram * info.mem_unit as u64 > 1 << 20
        );
        let mut names: libc::utsname = MaybeUninit::zeroed().assume_init();
        println!(
            "{} {}",
            libc::uname(&mut names),
            names.sysname[0] == b'L' as libc::c_char
        );

        let mut pair = [0; 2];
        println!(
            "{}",
            libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr())
        );
        descriptor_through(pair, fds[0]);
        let seconds = 5_000_000_000;
        let mut broken: libc::tm = MaybeUninit::zeroed().assume_init();
        libc::gmtime_r(&seconds, &mut broken);
        let back = libc::timegm(&mut broken);
        println!("{} {} {}", broken.tm_year, broken.tm_yday, back);
        let mut timer: libc::itimerspec = MaybeUninit::zeroed().assume_init();
        timer.it_value.tv_nsec = 1_000_000;
        let fd = libc::timerfd_create(libc::CLOCK_MONOTONIC, 0);
        println!(
            "{}",
            libc::timerfd_settime(fd, 0, &timer, std::ptr::null_mut())
        );
        let mut expired = 0u64;
        println!("{} {expired}", libc::read(fd, (&raw mut expired).cast(), 8));
        let mut terminal: libc::termios = MaybeUninit::zeroed().assume_init();
        println!(
            "{} {}",
            libc::tcgetattr(fds[0], &mut terminal),
            std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
        );
    }
}

/// A descriptor in a message's control data, where lengths are `size_t` or `socklen_t`.
unsafe fn descriptor_through(pair: [libc::c_int; 2], fd: libc::c_int) {
    let mut control = [0u64; 8];
    let mut byte = [b'!'];
    let mut part = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    // SAFETY: the message's parts outlive it, and its control data have room.
    unsafe {
        let mut message: libc::msghdr = MaybeUninit::zeroed().assume_init();
        message.msg_iov = &mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of::<libc::c_int>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<libc::c_int>() as u32) as _;
        libc::CMSG_DATA(header)
            .cast::<libc::c_int>()
            .write_unaligned(fd);
        println!("{}", libc::sendmsg(pair[0], &message, 0));
        control = [0; 8];
        message.msg_controllen = size_of_val(&control) as _;
        println!("{}", libc::recvmsg(pair[1], &mut message, 0));
        let header = libc::CMSG_FIRSTHDR(&message);
        let got = libc::CMSG_DATA(header)
            .cast::<libc::c_int>()
            .read_unaligned();
        let mut text = [0u8; 16];
        let n = libc::read(got, text.as_mut_ptr().cast(), 16);
        println!("{n} {}", text[..n.max(0) as usize].escape_ascii());
    }
}
