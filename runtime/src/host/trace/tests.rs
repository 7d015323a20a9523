//! Rendering alone: whatever the words and the memory, there is a line and no fault.

use super::*;
use crate::host::Thread;
use crate::host::abi::GuestMemory;
use crate::host::bindings::{metadata, table};
use crate::host::meta::FieldType;
use crate::memory::{Memory, MemoryType, WASM_PAGE};

const LIMITS: Limits = Limits {
    string: 32,
    verbose: false,
};

/// xorshift64*, so that a failure can be found again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A word that may mean something: an address here, an edge, a small number.
    fn word(&mut self) -> u64 {
        let edges = [
            0,
            1,
            WASM_PAGE - 1,
            2 * WASM_PAGE - 1,
            2 * WASM_PAGE,
            0x7fff_ffff,
            0xffff_ffff,
            0xffff_fff0,
            u64::MAX,
            i64::MIN as u64,
        ];
        let next = self.next();
        match next % 5 {
            0 => edges[(next >> 8) as usize % edges.len()],
            1 => (next >> 8) % 64,
            2 => next,
            _ => (next >> 8) % (2 * WASM_PAGE),
        }
    }
}

fn memory() -> (Memory, GuestMemory) {
    crate::fault::install();
    let ty = MemoryType {
        min_pages: 2,
        max_pages: Some(2),
        shared: false,
    };
    let memory = Memory::new(ty).expect("a memory");
    // SAFETY: both are given back together, and the view is used only beside the memory.
    let view = unsafe { GuestMemory::new(&memory) };
    (memory, view)
}

/// A call's arguments, before and after it, and its result.
fn rendered(
    call: &'static Call,
    words: &[u64; MAX_ARGS],
    view: GuestMemory,
    result: i64,
) -> String {
    let shape = Shape::of(call, words);
    let arguments = Arguments::new(shape, words, view, &LIMITS);
    let mut text = format!("{}({})", call.name, arguments.entering());
    text.clear();
    let _ = write!(
        text,
        "{}({}) = ",
        call.name,
        arguments.leaving(result, view, &LIMITS)
    );
    shape.result(&mut text, result);
    text
}

#[test]
fn any_words_over_any_memory_give_a_line() {
    let (memory, view) = memory();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let rounds = if cfg!(debug_assertions) { 100 } else { 1000 };
    let mut lines = 0u64;
    for round in 0..rounds {
        // Sparse memory has more addresses and lengths that lead somewhere.
        for at in (0..2 * WASM_PAGE as u32).step_by(if round == 0 { 8 } else { 1024 }) {
            let bytes = random.word().to_le_bytes();
            if at > 0 {
                view.write(at, &bytes).expect("inside");
            }
        }
        for binding in table::<Thread>() {
            let mut words: [u64; MAX_ARGS] = std::array::from_fn(|_| random.word());
            if let Some(cases) = binding.meta.cases
                && round % 2 == 0
            {
                let case = &cases.of[random.next() as usize % cases.of.len()];
                words[cases.by] = case.value as u64;
                if let Some(below) = case.cases {
                    let case = &below.of[random.next() as usize % below.of.len()];
                    words[below.by] = case.value as u64;
                }
            }
            let result = match random.next() % 3 {
                0 => -((random.next() % 140) as i64),
                1 => (random.next() % 5000) as i64,
                _ => random.word() as i64,
            };
            let line = rendered(binding.meta, &words, view, result);
            assert!(
                line.starts_with(binding.meta.name) && !line.contains('\n'),
                "{line}"
            );
            assert!(
                line.len() < 1 << 20,
                "{} bytes: {}",
                line.len(),
                binding.meta.name
            );
            lines += 1;
        }
    }
    assert!(lines > 20_000, "{lines}");
    drop(memory);
}

/// Calls, by name, as they are to be shown.
#[test]
fn lines_are_strace_s() {
    let (_memory, view) = memory();
    let put = |at: u32, bytes: &[u8]| view.write(at, bytes).expect("inside");
    put(0x100, b"/etc/passwd\0");
    put(
        0x200,
        b"root:x:0:0:root:/root:/bin/bash\nlonger than thirty-two bytes",
    );
    // Two pieces: 3 bytes at 0x200, 4 at 0x104.
    put(0x300, &[0, 2, 0, 0, 3, 0, 0, 0, 4, 1, 0, 0, 4, 0, 0, 0]);
    put(
        0x400,
        &[1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xc9, 0x9a, 0x3b, 0, 0, 0, 0],
    );
    put(0x500, &[3, 0, 0, 0, 4, 0, 0, 0]);
    put(0x600, b"\0\x01\x0212\x7f\xff\t\"\\9\x1b");
    put(0x800, &[2, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0]);
    // "/etc/passwd", "swd", no more; no environment.
    put(0x810, &[0, 1, 0, 0, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    put(0x820, &[2, 0, 0, 80, 127, 0, 0, 1]);
    let minus = |n: i64| n as u64;
    let line = |call: &'static Call, words: &[u64], result: i64| {
        let mut all = [0; MAX_ARGS];
        all[..words.len()].copy_from_slice(words);
        rendered(call, &all, view, result)
    };
    let end = 2 * WASM_PAGE;
    for (text, expected) in [
        (
            line(&metadata::openat, &[minus(-100), 0x100, 0o2_000_000, 0], 3),
            "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = 3",
        ),
        (
            line(&metadata::open, &[0x100, 0o102, 0o644], -2),
            "open(\"/etc/passwd\", O_RDWR|O_CREAT, 0644) = -1 ENOENT (No such file or directory)",
        ),
        (
            line(&metadata::read, &[3, 0x200, 4096], 40),
            "read(3, \"root:x:0:0:root:/root:/bin/bash\\n\"..., 4096) = 40",
        ),
        (
            line(&metadata::read, &[3, 0x200, 4096], 0),
            "read(3, \"\", 4096) = 0",
        ),
        (
            line(&metadata::read, &[3, 0x200, 4096], -9),
            "read(3, 0x200, 4096) = -1 EBADF (Bad file descriptor)",
        ),
        (
            line(&metadata::write, &[1, 0x600, 12], 12),
            "write(1, \"\\0\\1\\00212\\177\\377\\t\\\"\\\\9\\33\", 12) = 12",
        ),
        (
            line(&metadata::write, &[1, end, 1], -14),
            "write(1, 0x20000, 1) = -1 EFAULT (Bad address)",
        ),
        (
            line(&metadata::writev, &[1, 0x300, 2], 7),
            "writev(1, [{iov_base=\"roo\", iov_len=3}, {iov_base=\"/pas\", iov_len=4}], 2) = 7",
        ),
        // Four bytes came: three in the first piece, one in the second.
        (
            line(&metadata::readv, &[1, 0x300, 2], 4),
            "readv(1, [{iov_base=\"roo\", iov_len=3}, {iov_base=\"/\", iov_len=4}], 2) = 4",
        ),
        (
            line(&metadata::nanosleep, &[0x400, 0], 0),
            "nanosleep({tv_sec=1, tv_nsec=999999999}, NULL) = 0",
        ),
        (
            line(&metadata::pipe2, &[0x500, 0], 0),
            "pipe2([3, 4], 0) = 0",
        ),
        (line(&metadata::umask, &[0o22], 0), "umask(022) = 000"),
        (
            line(&metadata::close, &[minus(-100)], -9),
            "close(-100) = -1 EBADF (Bad file descriptor)",
        ),
        (
            line(&metadata::mmap, &[0, 4096, 3, 0x22, minus(-1), 0], 0x5000),
            "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x5000",
        ),
        (
            line(&metadata::lseek, &[3, 5, 2], 12),
            "lseek(3, 5, SEEK_END) = 12",
        ),
        (
            line(&metadata::lseek, &[3, 5, 99], -22),
            "lseek(3, 5, 0x63 /* SEEK_??? */) = -1 EINVAL (Invalid argument)",
        ),
        (
            line(&metadata::access, &[0x100, 6], 0),
            "access(\"/etc/passwd\", R_OK|W_OK) = 0",
        ),
        (
            line(&metadata::rt_sigprocmask, &[0, 0x800, 0, 8], 0),
            "rt_sigprocmask(SIG_BLOCK, [INT CHLD], NULL, 8) = 0",
        ),
        (
            line(&metadata::wait4, &[minus(-1), 0x808, 0, 0], 7),
            "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 7",
        ),
        (
            line(&metadata::execve, &[0x100, 0x810, 0x81c], -2),
            "execve(\"/etc/passwd\", [\"/etc/passwd\", \"swd\"], 0x81c /* 0 vars */) = -1 ENOENT \
             (No such file or directory)",
        ),
        (
            line(&metadata::connect, &[3, 0x820, 16], 0),
            "connect(3, {sa_family=AF_INET, sin_port=htons(80), \
             sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0",
        ),
        (
            line(&metadata::socket, &[1, 0o2_000_001, 0], 3),
            "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3",
        ),
        (
            line(&metadata::fcntl, &[3, 4, 0o4000], 0),
            "fcntl(3, F_SETFL, O_RDONLY|O_NONBLOCK) = 0",
        ),
        (
            line(&metadata::fcntl, &[3, 3, 0], 0o4002),
            "fcntl(3, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)",
        ),
        (line(&metadata::kill, &[0, 15], 0), "kill(0, SIGTERM) = 0"),
        (line(&metadata::kill, &[0, 40], 0), "kill(0, SIGRT_8) = 0"),
        (
            line(&metadata::mknod, &[0x100, 0o100_644, 0], 0),
            "mknod(\"/etc/passwd\", S_IFREG|0644) = 0",
        ),
        (
            line(&metadata::chown, &[0x100, minus(-1), 7], 0),
            "chown(\"/etc/passwd\", -1, 7) = 0",
        ),
        (line(&metadata::exit_group, &[3], 0), "exit_group(3) = ?"),
        (
            line(&metadata::chdir, &[0], -14),
            "chdir(NULL) = -1 EFAULT (Bad address)",
        ),
    ] {
        assert_eq!(text, expected);
    }
}

/// What is named by hand exists.
#[test]
fn special_names_exist() {
    let mut known = Vec::new();
    let fields = |s: &'static crate::host::meta::Struct| s.fields.iter().map(move |f| (s.name, f));
    for binding in table::<Thread>() {
        for arg in binding.meta.args {
            use crate::host::meta::{ArgType, Element, Pointee};
            if let ArgType::Pointer(_, Pointee::Struct(s) | Pointee::Array(Element::Struct(s), _)) =
                &arg.ty
            {
                known.extend(fields(s).map(|(s, f)| (s, f.name)));
                for (_, field) in fields(s) {
                    if let FieldType::Struct(s) = field.ty {
                        known.extend(fields(s).map(|(s, f)| (s, f.name)));
                    }
                }
            }
        }
    }
    let described = |s: &str| known.iter().any(|(name, _)| *name == s);
    for (s, names) in special::BRIEF.iter().filter(|(s, _)| described(s)) {
        for name in *names {
            assert!(known.contains(&(s, name)), "{s}.{name}");
        }
    }
    for (s, field, set) in special::FIELD_SETS.iter().filter(|(s, ..)| described(s)) {
        assert!(known.contains(&(s, field)), "{s}.{field}");
        assert!(special::field_set(s, field).is_some(), "{set}");
    }
    for name in special::MODES.iter().filter(|(s, _)| described(s)) {
        assert!(known.contains(name), "{name:?}");
    }
}
