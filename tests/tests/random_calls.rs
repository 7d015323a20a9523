//! A random caller of the host layer: described calls with random arguments, without an
//! interpreter, in a process that may do little harm. The process survives, results are
//! results, the host's memory and the runtime's own descriptors stay what they were, and the
//! guest's memory has no hole.
//!
//! `WALI_RANDOM_CALLS=N` makes N calls (for as long as it takes), `WALI_SEED=S` repeats a run,
//! as far as the kernel does the same again. A generation is a process with a fresh guest;
//! `WALI_SEED` of a later one begins there.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use wali_codegen::model::{By, Call, Returns, Role, Spec};
use wali_runtime::host::abi::{Binding, Guest};
use wali_runtime::host::signals::Set;
use wali_runtime::host::{Environment, Process, Startup, Thread, bindings, mappings};
use wali_runtime::memory::{Memory, MemoryType};
use wali_tests::hostile::{self, Variant};
use wali_tests::isolate::{self, Isolation};
use wali_tests::random::{ARGS, Generator, Random};
use wali_tests::workspace;

/// Calls that are not made, with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("exit", "there is nobody to end"),
    ("exit_group", "there is nobody to end"),
    ("execve", "it replaces the caller"),
    ("execveat", "it replaces the caller"),
    ("fork", "the copy would go on calling"),
    ("vfork", "the copy would go on calling"),
    ("clone", "the copy would go on calling"),
    ("clone3", "the copy would go on calling"),
    ("reboot", "it ends the namespace, or the machine"),
    ("sync", "it waits for all disks"),
    ("syncfs", "it waits for a disk"),
    ("sched_setscheduler", "the caller would starve"),
    ("sched_setparam", "the caller would starve"),
    ("sched_setattr", "the caller would starve"),
    ("sched_setaffinity", "the caller would starve"),
    ("setpriority", "the caller would starve"),
    ("ioprio_set", "the caller would starve"),
    ("setrlimit", "the runtime's own memory would run out"),
    ("prlimit64", "the runtime's own memory would run out"),
];

/// Further calls that are not made outside of namespaces.
const LEFT_OUT_OUTSIDE: &[(&str, &str)] = &[
    ("kill", "it could reach other processes"),
    ("tkill", "it could reach other processes"),
    ("tgkill", "it could reach other processes"),
    ("rt_sigqueueinfo", "it could reach other processes"),
    ("rt_tgsigqueueinfo", "it could reach other processes"),
    ("pidfd_send_signal", "it could reach other processes"),
    ("fcntl.F_SETOWN", "it could reach other processes"),
    ("fcntl.F_SETOWN_EX", "it could reach other processes"),
    ("ioctl.FIOSETOWN", "it could reach other processes"),
    ("ioctl.SIOCSPGRP", "it could reach other processes"),
    ("ioctl.TIOCSTI", "it could write to the terminal"),
    ("setpgid", "it could reach other processes"),
    ("process_mrelease", "it could reach other processes"),
    ("shmctl.IPC_RMID", "it could remove what others use"),
    ("semctl.IPC_RMID", "it could remove what others use"),
    ("msgctl.IPC_RMID", "it could remove what others use"),
    ("mq_unlink", "it could remove what others use"),
];

/// Calls between checks, and of a generation.
const BETWEEN: u64 = 2000;
const GENERATION: u64 = 20_000;

/// What a run without `WALI_RANDOM_CALLS` makes at most, and how long it takes at most.
const CALLS: u64 = 400_000;
const TIME: Duration = Duration::from_secs(20);

/// The environment of the processes this program starts.
const FOLDER: &str = "WALI_RANDOM_FOLDER";
const SEED: &str = "WALI_RANDOM_SEED";
const COUNT: &str = "WALI_RANDOM_COUNT";

/// Statuses of a process that noticed something.
const WRONG: i32 = 10;

fn main() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        generation(&PathBuf::from(folder));
    }
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("names_left_out_exist", names_left_out_exist),
        Trial::test("random_calls", || run().map_err(Failed::from)),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn load() -> Spec {
    Spec::load(&workspace::spec_dir()).unwrap_or_else(|e| panic!("{e}"))
}

fn names_left_out_exist() -> Result<(), Failed> {
    let spec = load();
    for (name, _) in LEFT_OUT.iter().chain(LEFT_OUT_OUTSIDE) {
        let call = name.split('.').next().unwrap_or(name);
        if !spec.kernel.contains_key(call) {
            return Err(format!("Linux has no {call}").into());
        }
    }
    Ok(())
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")),
    )
}

/// What the processes share: how far they are, and what went wrong.
#[repr(C)]
struct Shared {
    /// Calls made.
    count: AtomicU64,
    /// Calls that succeeded.
    good: AtomicU64,
    isolation: AtomicU32,
    /// How the calling process ended: a wait status.
    status: AtomicI32,
    /// Whether it was killed for standing still.
    stuck: AtomicU32,
    /// The call being made.
    words: [AtomicU64; ARGS],
    name: Text<64>,
    /// What went wrong.
    message: Text<2048>,
}

/// Text that another process may be writing.
#[repr(C)]
struct Text<const N: usize>([std::sync::atomic::AtomicU8; N]);

impl<const N: usize> Text<N> {
    fn set(&self, text: &str) {
        let bytes = text.bytes().chain([0]).take(N);
        for (place, byte) in self.0.iter().zip(bytes) {
            place.store(byte, Ordering::Relaxed);
        }
    }

    fn get(&self) -> String {
        let bytes = self.0.iter().map(|b| b.load(Ordering::Relaxed));
        let bytes: Vec<u8> = bytes.take_while(|&b| b != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Maps the shared state of a folder.
fn shared(folder: &Path) -> &'static Shared {
    let path = folder.join("shared");
    let file = fs::File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = file.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    file.set_len(size_of::<Shared>() as u64)
        .expect("a small file");
    // SAFETY: a new mapping, of atomics for which any bytes are valid; it is never unmapped.
    unsafe {
        let at = libc::mmap(
            std::ptr::null_mut(),
            size_of::<Shared>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            std::os::fd::AsRawFd::as_raw_fd(&file),
            0,
        );
        assert_ne!(at, libc::MAP_FAILED, "a small mapping");
        &*at.cast::<Shared>()
    }
}

/// Makes calls, a generation after the other.
fn run() -> Result<(), String> {
    let asked = number("WALI_RANDOM_CALLS");
    let first = number("WALI_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |d| d.as_nanos() as u64 >> 10 & 0xffff_ffff)
    });
    let start = Instant::now();
    let most = asked.unwrap_or(CALLS);
    let (mut made, mut good, mut seed) = (0, 0, first);
    let mut ends: HashMap<String, Vec<u64>> = HashMap::new();
    let mut isolation = 0;
    while made < most && (asked.is_some() || start.elapsed() < TIME) {
        let scratch = tempfile::tempdir().map_err(|e| e.to_string())?;
        let work = scratch.path().join("work");
        let folder = scratch.path();
        fs::create_dir(&work).map_err(|e| e.to_string())?;
        isolate::give(folder)
            .and_then(|()| isolate::give(&work))
            .map_err(|e| e.to_string())?;
        let state = shared(folder);
        let _ = isolate::give(&folder.join("shared"));
        let count = GENERATION.min(most - made);
        let exe = std::env::current_exe().map_err(|e| e.to_string())?;
        let mut command = Command::new(exe);
        command
            .env(FOLDER, folder)
            .env(SEED, seed.to_string())
            .env(COUNT, count.to_string())
            .current_dir(&work)
            .process_group(0);
        let output = command.output().map_err(|e| e.to_string())?;
        let status = state.status.load(Ordering::Relaxed);
        let calls = state.count.load(Ordering::Relaxed);
        let what = || {
            let words: Vec<String> = state
                .words
                .iter()
                .map(|w| format!("{:#x}", w.load(Ordering::Relaxed)))
                .collect();
            format!(
                "WALI_SEED={seed}, call {calls}: {}({}): {}\n{}",
                state.name.get(),
                words.join(", "),
                state.message.get(),
                String::from_utf8_lossy(&output.stderr)
            )
        };
        if !output.status.success() {
            return Err(format!(
                "the generation's process: {}: {}",
                output.status,
                what()
            ));
        }
        made += calls;
        good += state.good.load(Ordering::Relaxed);
        isolation = state.isolation.load(Ordering::Relaxed);
        if state.stuck.load(Ordering::Relaxed) != 0 {
            let end = format!("stuck in {}", state.name.get());
            ends.entry(end).or_default().push(seed);
        } else if libc::WIFSIGNALED(status) {
            let signal = libc::WTERMSIG(status);
            if FATAL.contains(&signal) {
                return Err(format!("killed by signal {signal}: {}", what()));
            }
            let end = format!("signal {signal} in {}", state.name.get());
            ends.entry(end).or_default().push(seed);
        } else if libc::WEXITSTATUS(status) != 0 {
            return Err(format!("status {}: {}", libc::WEXITSTATUS(status), what()));
        } else if calls < count {
            return Err(format!("ended early: {}", what()));
        }
        seed += 1;
    }
    let place = match isolation {
        0 => "in namespaces of its own",
        1 => {
            "as nobody: namespaces are not to be had here, so calls that reach other processes were left out"
        }
        _ => "without isolation: calls that reach other processes were left out",
    };
    println!(
        "random_calls: WALI_SEED={first}: {made} calls, {good} successful, {} generations, {:.1} s, {place}",
        seed - first,
        start.elapsed().as_secs_f64()
    );
    let mut ends: Vec<_> = ends.into_iter().collect();
    ends.sort();
    for (end, seeds) in ends {
        println!("random_calls: cut short: {end}: WALI_SEED={seeds:?}");
    }
    // A caller that gets nowhere tests nothing.
    if good * 20 < made {
        Err(format!("{good} of {made} calls succeeded, too few"))
    } else {
        Ok(())
    }
}

/// Signals by which a process ends when something is wrong with it.
const FATAL: &[i32] = &[
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// What stirs a process that waits for something.
fn tick() -> i32 {
    libc::SIGRTMAX() - 1
}

/// The process of a generation: isolates itself, lets a child make the calls, and stirs it.
fn generation(folder: &Path) -> ! {
    let state = shared(folder);
    let seed = number(SEED).unwrap_or(1);
    let count = number(COUNT).unwrap_or(GENERATION);
    // Read while the files are there.
    let spec = load();
    let isolation = isolate::enter();
    // A change of user would have it forgotten.
    end_with_parent();
    state.isolation.store(isolation as u32, Ordering::Relaxed);
    // SAFETY: this process has one thread; the child goes on with a copy of all.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork: {}", std::io::Error::last_os_error());
    if child == 0 {
        calls(&spec, state, isolation, folder, seed, count);
    }
    let (mut last, mut since) = (0, Instant::now());
    let mut status = 0;
    loop {
        // SAFETY: waits for our own child.
        if unsafe { libc::waitpid(child, &mut status, libc::WNOHANG | libc::__WALL) } == child
            && (libc::WIFEXITED(status) || libc::WIFSIGNALED(status))
        {
            break;
        }
        std::thread::sleep(Duration::from_millis(3));
        let now = state.count.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > Duration::from_millis(1500) {
            state.stuck.store(1, Ordering::Relaxed);
            // SAFETY: our own child, not waited for yet.
            unsafe { libc::kill(child, libc::SIGKILL) };
        } else if since.elapsed() > Duration::from_millis(5) {
            // SAFETY: as above.
            unsafe { libc::kill(child, tick()) };
        }
    }
    state.status.store(status, Ordering::Relaxed);
    std::process::exit(0);
}

fn end_with_parent() {
    // SAFETY: a call without pointers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// Memory of the host's that nobody writes.
struct Canaries(Vec<(*mut u8, usize)>);

impl Canaries {
    const SIZE: usize = 1 << 18;
    const PATTERN: u8 = 0x5a;

    fn add(&mut self) {
        // SAFETY: a new mapping, which nobody else knows of.
        unsafe {
            let at = libc::mmap(
                std::ptr::null_mut(),
                Canaries::SIZE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(at, libc::MAP_FAILED);
            std::ptr::write_bytes(at.cast::<u8>(), Canaries::PATTERN, Canaries::SIZE);
            self.0.push((at.cast(), Canaries::SIZE));
        }
        for size in [16, 64, 256, 1024, 4096] {
            let heap = vec![Canaries::PATTERN; size].leak();
            self.0.push((heap.as_mut_ptr(), size));
        }
    }

    fn intact(&self) -> bool {
        self.0.iter().all(|&(at, size)| {
            // SAFETY: ours, and meant to be written by nobody.
            let bytes = unsafe { std::slice::from_raw_parts(at, size) };
            bytes.iter().all(|&b| b == Canaries::PATTERN)
        })
    }
}

/// The descriptors from 3 up, with what they stand for.
fn descriptors() -> Vec<(i32, u64, u64)> {
    (3..5000)
        .filter_map(|fd| {
            let status = identity(fd)?;
            Some((fd, status.0, status.1))
        })
        .collect()
}

fn identity(fd: i32) -> Option<(u64, u64)> {
    // SAFETY: the kernel fills the local in if it returns 0.
    unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &mut status) == 0).then_some((status.st_dev, status.st_ino))
    }
}

extern "C" fn nothing(_: i32) {}

fn wrong(state: &Shared, message: &str) -> ! {
    state.message.set(message);
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(WRONG) }
}

fn calls(
    spec: &Spec,
    state: &'static Shared,
    isolation: Isolation,
    folder: &Path,
    seed: u64,
    count: u64,
) -> ! {
    end_with_parent();
    // Signals to the group are to reach nobody else.
    // SAFETY: a call without arguments.
    unsafe { libc::setsid() };
    prepare(state, isolation, folder);
    wali_runtime::fault::install();
    let mut canaries = Canaries(Vec::new());
    (0..8).for_each(|_| canaries.add());
    let startup = Startup {
        args: vec![c"random".into()],
        environment: Environment::Variables(vec![b"A=B".to_vec()]),
        ..Startup::default()
    };
    let process = Process::new(startup).unwrap_or_else(|e| panic!("{e}"));
    let ty = MemoryType {
        min_pages: 64,
        max_pages: Some(256),
        shared: true,
    };
    let memory = Memory::new(ty).unwrap_or_else(|e| panic!("{e}"));
    (0..8).for_each(|_| canaries.add());
    let mut thread = Thread::new(process, memory.clone());
    let own = descriptors();
    let lowest = own.first().map_or(1000, |own| own.0);
    let table: HashMap<&str, &Binding<Thread>> = bindings::table::<Thread>()
        .iter()
        .map(|b| (b.import, b))
        .collect();
    let all = chosen(spec, isolation);
    let mut generator = Generator {
        spec,
        random: Random::new(seed),
        memory: thread.memory(),
        size: memory.size() as u32,
        descriptors: Vec::new(),
        paths: paths(isolation),
    };
    files(&mut generator);
    for made in 0..count {
        let variants = generator.random.pick(&all);
        let variant = generator.random.pick(variants);
        let words = generator.arguments(variant);
        state.name.set(&variant.name);
        for (place, word) in state.words.iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
        state.count.store(made + 1, Ordering::Relaxed);
        let result = (table[variant.call.import.as_str()].call)(&mut thread, &words);
        // Handlers of the guest's return at once.
        while let Some(delivery) = thread.signals().next() {
            thread.signals().enter(&delivery);
            thread.signals().leave(delivery.before);
        }
        if made % 8 == 0 {
            thread.signals().set_mask(Set::default());
        }
        // What ends a guest is an outcome, too.
        let Ok(result) = result else {
            continue;
        };
        let result = result as i64;
        if result >= 0 {
            state.good.fetch_add(1, Ordering::Relaxed);
            opened(spec, state, &mut generator, &variant.call, result, &own);
        } else if result < -4095 && !ANY_RESULT.contains(&variant.name.as_str()) {
            wrong(state, &format!("{result} is neither a result nor an error"));
        }
        if made % BETWEEN == BETWEEN - 1 {
            check(state, &canaries, &own, &memory);
            // SAFETY: closes what the guest has open, none of it ours.
            unsafe { libc::syscall(libc::SYS_close_range, 3, lowest - 1, 0) };
            generator.descriptors.clear();
            stirrable();
            fresh(&memory);
            files(&mut generator);
        }
    }
    check(state, &canaries, &own, &memory);
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(0) }
}

/// Calls whose results may be any number.
const ANY_RESULT: &[&str] = &["lseek", "prctl.PR_GET_TIMERSLACK", "prctl"];

/// What belongs to a fresh process: no way to the outside, no way to fill the machine.
fn prepare(state: &'static Shared, isolation: Isolation, folder: &Path) {
    if isolation == Isolation::Namespaces {
        isolate::root(&folder.join("work")).unwrap_or_else(|e| wrong(state, &format!("root: {e}")));
    }
    std::panic::set_hook(Box::new(|info| {
        state.message.set(&info.to_string());
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(WRONG + 1) }
    }));
    // SAFETY: limits and dispositions of this process; the structures are live locals.
    unsafe {
        let limit = |resource, to| {
            let limit = libc::rlimit {
                rlim_cur: to,
                rlim_max: to,
            };
            libc::setrlimit(resource, &limit);
        };
        limit(libc::RLIMIT_CORE, 0);
        limit(libc::RLIMIT_FSIZE, 4 << 20);
        limit(libc::RLIMIT_NOFILE, 256);
        for signal in [
            libc::SIGXFSZ,
            libc::SIGPIPE,
            libc::SIGTTOU,
            libc::SIGTTIN,
            libc::SIGTSTP,
        ] {
            libc::signal(signal, libc::SIG_IGN);
        }
        stirrable();
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for fd in 0..3 {
            libc::dup2(null, fd);
        }
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
    }
}

/// Lets the tick end what waits.
fn stirrable() {
    // SAFETY: a handler that does nothing, without SA_RESTART.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
        libc::sigaction(tick(), &action, std::ptr::null_mut());
    }
}

/// The calls to make: for each the things it can do.
fn chosen(spec: &Spec, isolation: Isolation) -> Vec<Vec<Variant>> {
    let left_out = |name: &str| {
        LEFT_OUT.iter().any(|(n, _)| *n == name)
            || isolation != Isolation::Namespaces
                && LEFT_OUT_OUTSIDE.iter().any(|(n, _)| *n == name)
    };
    let calls = spec
        .calls
        .values()
        .filter(|call| !matches!(call.by, By::Refused { .. }));
    let all = calls.filter(|call| !left_out(&call.name)).map(|call| {
        let mut variants = hostile::variants(spec, call);
        if call.cases.is_some() {
            // And with any value.
            variants.push(Variant {
                name: call.name.clone(),
                call: call.clone(),
                fixed: Vec::new(),
                ..variants[0].clone()
            });
        }
        variants.retain(|variant| !left_out(&variant.name));
        variants
    });
    all.filter(|variants| !variants.is_empty()).collect()
}

fn paths(isolation: Isolation) -> Vec<String> {
    let mut paths: Vec<String> = [
        "file",
        "folder",
        "folder/other",
        "link",
        "fifo",
        "absent",
        "",
        ".",
    ]
    .map(str::to_string)
    .into();
    paths.push("x".repeat(300));
    if isolation == Isolation::Namespaces {
        let more = [
            "/",
            "..",
            "/proc",
            "/proc/self",
            "/proc/self/mem",
            "self/mem",
            "/proc/self/maps",
            "/proc/self/fd/3",
            "/proc/self/status",
            "/proc/self/fd",
            "/proc/self/ns/net",
            "/proc/self/clear_refs",
            "/proc/self/pagemap",
            "/proc/self/exe",
            "/proc/1/environ",
            "/proc/self/oom_score_adj",
            "/proc/self/coredump_filter",
            "/proc/self/attr/current",
            "/proc/self/uid_map",
            "/proc/self/setgroups",
            "/dev/null",
            "/dev/zero",
            "/dev/full",
            "/dev/urandom",
            "/dev/ptmx",
            "/dev/tty",
            "tmpfs",
            "proc",
            "ramfs",
            "mqueue",
            "overlay",
            "bpf",
            "cgroup2",
            "user.x",
        ];
        paths.extend(more.map(str::to_string));
    }
    paths
}

/// Files and descriptors to begin with.
fn files(generator: &mut Generator<'_>) {
    // What the guest has made of the folder meanwhile is its business.
    let put = |name: &str, text: &str| {
        // It may be a pipe by now.
        let mut options = fs::File::options();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(libc::O_NONBLOCK);
        let _ = options
            .open(name)
            .and_then(|mut file| file.write_all(text.as_bytes()));
    };
    put("file", "some content of a file");
    let _ = fs::create_dir("folder");
    put("folder/other", "other");
    let _ = std::os::unix::fs::symlink("file", "link");
    // SAFETY: C strings and live locals; the descriptors are the guest's.
    unsafe {
        libc::mkfifo(c"fifo".as_ptr(), 0o600);
        let mut fds = vec![
            libc::open(c"file".as_ptr(), libc::O_RDWR | libc::O_NONBLOCK),
            libc::open(c"folder".as_ptr(), libc::O_RDONLY | libc::O_NONBLOCK),
            libc::open(c"fifo".as_ptr(), libc::O_RDWR | libc::O_NONBLOCK),
            libc::open(c"/dev/ptmx".as_ptr(), libc::O_RDWR | libc::O_NONBLOCK),
            libc::open(c"/proc/self".as_ptr(), libc::O_RDONLY),
            libc::memfd_create(c"m".as_ptr(), libc::MFD_ALLOW_SEALING),
            libc::eventfd(1, libc::EFD_NONBLOCK),
            libc::epoll_create1(0),
            libc::inotify_init1(libc::IN_NONBLOCK),
            libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK),
            libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0),
            libc::socket(libc::AF_INET6, libc::SOCK_DGRAM, 0),
            libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, 0),
            libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0),
        ];
        let mut pair = [0; 2];
        if libc::pipe2(pair.as_mut_ptr(), libc::O_NONBLOCK) == 0 {
            fds.extend(pair);
        }
        for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM] {
            if libc::socketpair(
                libc::AF_UNIX,
                kind | libc::SOCK_NONBLOCK,
                0,
                pair.as_mut_ptr(),
            ) == 0
            {
                fds.extend(pair);
            }
        }
        fds.retain(|fd| *fd >= 0);
        generator.descriptors = fds;
    }
}

/// Makes all of memory accessible again.
fn fresh(memory: &Memory) {
    use wali_arch::flags::{map_flags as map, prot_flags as prot};
    let page = mappings::PAGE as u32;
    let flags = map::MAP_PRIVATE | map::MAP_ANONYMOUS | map::MAP_FIXED;
    let _ = mappings::mmap(
        memory,
        page,
        memory.size() as u32 - page,
        prot::PROT_READ | prot::PROT_WRITE,
        flags,
        -1,
        0,
    );
}

/// Remembers a descriptor that a call gave, which is none of the runtime's.
fn opened(
    spec: &Spec,
    state: &Shared,
    generator: &mut Generator<'_>,
    call: &Call,
    result: i64,
    own: &[(i32, u64, u64)],
) {
    let Returns::Scalar(scalar) = &call.returns else {
        return;
    };
    if spec.scalars[scalar].role != Role::Descriptor {
        return;
    }
    let fd = result as i32;
    if own.iter().any(|own| own.0 == fd) {
        wrong(state, &format!("gave the runtime's own descriptor {fd}"));
    }
    if generator.descriptors.len() > 40 {
        let at = generator.random.below(40) as usize;
        generator.descriptors[at] = fd;
    } else {
        generator.descriptors.push(fd);
    }
}

/// Compares what must not change.
fn check(state: &Shared, canaries: &Canaries, own: &[(i32, u64, u64)], memory: &Memory) {
    if !canaries.intact() {
        wrong(
            state,
            "memory of the host changed, in this call or one of those before it",
        );
    }
    for &(fd, device, inode) in own {
        if identity(fd) != Some((device, inode)) {
            wrong(
                state,
                &format!("descriptor {fd} of the runtime is not what it was"),
            );
        }
    }
    // To the kernel all of the reservation is mapped.
    let size = (8usize << 30) + (1 << 16);
    let mut pages = vec![0u8; size / 4096];
    // SAFETY: asks about our own memory; the vector has a byte for each page.
    if unsafe { libc::mincore(memory.base().cast(), size, pages.as_mut_ptr()) } != 0 {
        let error = std::io::Error::last_os_error();
        wrong(state, &format!("the guest's memory has a hole: {error}"));
    }
    // Where the guest has left us a way to see it.
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else {
        return;
    };
    let (start, end) = (memory.base() as usize, memory.base() as usize + size);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let range = words.next().and_then(|range| range.split_once('-'));
        let range =
            range.map(|(a, b)| (usize::from_str_radix(a, 16), usize::from_str_radix(b, 16)));
        let Some((Ok(from), Ok(to))) = range else {
            continue;
        };
        if from < end && to > start && words.next().is_some_and(|flags| flags.contains('x')) {
            wrong(state, &format!("executable in the guest's memory: {line}"));
        }
    }
}
