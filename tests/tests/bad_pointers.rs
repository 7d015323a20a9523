//! Every described call with every bad address, natively and in a guest: the same errors. Calls
//! on descriptors are made on a file, a socket, both ends of a pipe and an epoll descriptor.
//!
//! `bad_pointers --native SCRIPT` is the native half, in a process of its own.

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use wali_codegen::model::{Returns, Spec};
use wali_tests::hostile::{self, FILE, Variant, Vector};
use wali_tests::process::{self, End};
use wali_tests::{native, workspace};

/// The argument that makes this program the native half.
const NATIVE: &str = "--native";

/// Calls that are not compared, with the reason.
const LEFT_OUT: &[(&str, &str)] = &[(
    "ioctl.FS_IOC_SETFLAGS",
    "ext4 has another answer while a new file's content is on its way to the disk",
)];

/// Calls whose errors differ: the guest's, the kernel's own, and why. A success is 0.
const KNOWN: &[(&str, i64, i64, &str)] = &[];

/// Further descriptors of both processes, from this one on: a socket, a pipe's ends, an epoll
/// descriptor.
const FIRST: i32 = 200;
const OTHERS: [i32; 4] = [FIRST, FIRST + 1, FIRST + 2, FIRST + 3];

static CALLS: AtomicUsize = AtomicUsize::new(0);
static VECTORS: AtomicUsize = AtomicUsize::new(0);
static SUCCEEDED: AtomicUsize = AtomicUsize::new(0);
static FAULTED: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == NATIVE) {
        let script = args.next().expect("the script's name");
        native::perform(Path::new(&script)).unwrap_or_else(|e| panic!("{e}"));
        return;
    }
    let arguments = Arguments::from_args();
    let spec = Spec::load(&workspace::spec_dir()).unwrap_or_else(|e| panic!("{e}"));
    let spec: &'static Spec = Box::leak(Box::new(spec));
    let isa = spec
        .isas
        .iter()
        .position(|isa| isa.guest)
        .expect("the guest's");
    // Elsewhere flags and structs would have to be translated here, too.
    let here = !workspace::target().emulated() && spec.isas[isa].name == std::env::consts::ARCH;
    let variants = spec
        .calls
        .values()
        .flat_map(|call| hostile::variants(spec, call))
        .filter(hostile::applies)
        .filter(|variant| !LEFT_OUT.iter().any(|(name, _)| *name == variant.name));
    let mut trials = vec![Trial::test("names_left_out_or_known_exist", move || {
        names_exist(spec).map_err(Failed::from)
    })];
    trials.push(
        Trial::test("differences_are_noticed", move || {
            noticed(spec, isa).map_err(Failed::from)
        })
        .with_ignored_flag(!here),
    );
    trials.extend(variants.map(|variant| {
        Trial::test(variant.name.clone(), move || {
            agrees(spec, &variant, isa).map_err(Failed::from)
        })
        .with_ignored_flag(!here)
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    println!(
        "{} calls compared in {} ways, of which {} succeed and {} give EFAULT",
        CALLS.load(Ordering::Relaxed),
        VECTORS.load(Ordering::Relaxed),
        SUCCEEDED.load(Ordering::Relaxed),
        FAULTED.load(Ordering::Relaxed)
    );
    conclusion.exit();
}

/// Takes `close` for `fstat`, natively.
fn noticed(spec: &Spec, isa: usize) -> Result<(), String> {
    let mut other = hostile::variants(spec, &spec.calls["fstat"]).remove(0);
    other.call.numbers = spec.calls["close"].numbers.clone();
    match agrees(spec, &other, isa) {
        Err(why) if why.contains("natively") => Ok(()),
        result => Err(format!("fstat is not close, and the test saw {result:?}")),
    }
}

fn names_exist(spec: &Spec) -> Result<(), String> {
    let variants: Vec<Variant> = spec
        .calls
        .values()
        .flat_map(|call| hostile::variants(spec, call))
        .filter(hostile::applies)
        .collect();
    let names = LEFT_OUT.iter().map(|(name, _)| *name);
    let mut names = names.chain(KNOWN.iter().map(|(name, ..)| *name));
    match names.find(|name| variants.iter().all(|variant| variant.name != *name)) {
        Some(name) => Err(format!("{name} is not tried")),
        None => Ok(()),
    }
}

fn agrees(spec: &Spec, variant: &Variant, isa: usize) -> Result<(), String> {
    let vectors = vectors(spec, variant);
    let Some(script) = native::script(spec, variant, &vectors, isa) else {
        return Err("this ISA has no such call".into());
    };
    let guest = guest(spec, variant, &vectors)?;
    let native = natively(&script, vectors.len())?;
    CALLS.fetch_add(1, Ordering::Relaxed);
    VECTORS.fetch_add(vectors.len(), Ordering::Relaxed);
    let count = |test: fn(&i64) -> bool| native.iter().filter(|n| test(n)).count();
    SUCCEEDED.fetch_add(count(|&n| n >= 0), Ordering::Relaxed);
    FAULTED.fetch_add(count(|&n| n == -i64::from(libc::EFAULT)), Ordering::Relaxed);
    let known: BTreeSet<(i64, i64)> = KNOWN
        .iter()
        .filter(|(name, ..)| *name == variant.name)
        .map(|&(_, guest, native, _)| (guest, native))
        .collect();
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    for ((vector, guest), native) in vectors.iter().zip(guest).zip(native) {
        if same(&variant.call.returns, guest, native) {
            continue;
        }
        let pair = (guest.min(0), native.min(0));
        if seen.insert(pair) && !known.contains(&pair) {
            let call = vector.shown(&variant.name);
            text += &format!("{call}: {guest}, natively {native}\n");
        }
    }
    for (guest, native) in known.difference(&seen) {
        text += &format!("no longer {guest} where natively it is {native}\n");
    }
    if text.is_empty() { Ok(()) } else { Err(text) }
}

fn vectors(spec: &Spec, variant: &Variant) -> Vec<Vector> {
    let mut all = hostile::vectors(spec, variant);
    // On any socket the former are about the machine's network; the latter waits for room in a
    // pipe.
    if !variant.name.starts_with("ioctl.SIOC") && variant.name != "vmsplice" {
        all.extend(hostile::on_others(spec, variant, &all, &OTHERS));
    }
    all
}

/// Whether two results are the same, as far as they can be.
fn same(returns: &Returns, guest: i64, native: i64) -> bool {
    match returns {
        _ if guest < 0 || native < 0 => guest == native,
        Returns::Scalar(name) if name == "size_t" => guest == native,
        Returns::Scalar(_) | Returns::Flags(_) => true,
        Returns::Nothing | Returns::Never => guest == native,
    }
}

fn guest(spec: &Spec, variant: &Variant, vectors: &[Vector]) -> Result<Vec<i64>, String> {
    let wat = hostile::module(spec, variant, vectors);
    let module = wat::parse_str(&wat).map_err(|e| format!("{e}\n{wat}"))?;
    run(&module, vectors.len(), |module| {
        let mut command = workspace::command(workspace::wali());
        command.arg("run").arg(module);
        command
    })
}

fn natively(script: &[u64], count: usize) -> Result<Vec<i64>, String> {
    let bytes: Vec<u8> = script.iter().flat_map(|word| word.to_le_bytes()).collect();
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    run(&bytes, count, |script| {
        let mut command = std::process::Command::new(program);
        command.arg(NATIVE).arg(script);
        command
    })
}

/// Runs what makes the calls in a folder with the file, and reads the results.
fn run(
    input: &[u8],
    count: usize,
    command: impl FnOnce(&Path) -> std::process::Command,
) -> Result<Vec<i64>, String> {
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (path, work) = (dir.path().join("input"), dir.path().join("work"));
    std::fs::create_dir(&work)
        .and_then(|()| std::fs::write(work.join(FILE), "some content of a file"))
        .and_then(|()| std::fs::write(&path, input))
        .map_err(|e| e.to_string())?;
    let mut command = command(&path);
    command.current_dir(&work);
    let others = others().map_err(|e| e.to_string())?;
    let numbers = [&others[0], &others[1], &others[2], &others[3]].map(AsRawFd::as_raw_fd);
    // SAFETY: only duplicates descriptors.
    unsafe {
        command.pre_exec(move || {
            for (from, to) in numbers.into_iter().zip(OTHERS) {
                if libc::dup2(from, to) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
    let name = command.get_program().to_owned();
    let outcome = process::run(command, b"", Duration::from_secs(60));
    if outcome.end != End::Exit(0) {
        return Err(format!(
            "{}: {}\n{}",
            name.display(),
            outcome.end,
            outcome.errors()
        ));
    }
    let results = outcome.stdout.chunks_exact(8);
    let results: Vec<i64> = results
        .map(|c| i64::from_le_bytes(c.try_into().expect("eight bytes")))
        .collect();
    match results.len() == count {
        true => Ok(results),
        false => Err(format!(
            "{}: {} results of {count}",
            name.display(),
            results.len()
        )),
    }
}

/// What [`OTHERS`] are, none of which blocks, and then the socket's peer.
fn others() -> std::io::Result<[OwnedFd; 5]> {
    let (socket, peer) = UnixStream::pair()?;
    socket.set_nonblocking(true)?;
    let mut pipe = [0; 2];
    // SAFETY: the kernel writes two descriptors, which are nobody else's.
    let (reader, writer, epoll) = unsafe {
        if libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) != 0 {
            return Err(std::io::Error::last_os_error());
        }
        let [reader, writer] = pipe.map(|end| OwnedFd::from_raw_fd(end));
        match libc::epoll_create1(libc::EPOLL_CLOEXEC) {
            -1 => return Err(std::io::Error::last_os_error()),
            epoll => (reader, writer, OwnedFd::from_raw_fd(epoll)),
        }
    };
    Ok([socket.into(), reader, writer, epoll, peer.into()])
}
