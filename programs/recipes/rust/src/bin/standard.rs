//! What the standard library does with a system: `standard CASE [ARGUMENT...]`.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::fs::MetadataExt as _;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::{self, AssertUnwindSafe};
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, OnceLock, RwLock, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

fn main() {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref().unwrap_or("args") {
        "args" => arguments(),
        "environment" => environment(),
        "numbers" => numbers(),
        "panics" => panics(),
        "uncaught" => uncaught(),
        "abort" => process::abort(),
        "exit" => process::exit(args.next().and_then(|n| n.parse().ok()).unwrap_or(3)),
        "threads" => threads(),
        "locals" => locals(),
        "files" => files().expect("files"),
        "folders" => folders().expect("folders"),
        "errors" => errors(),
        "tcp" => tcp().expect("tcp"),
        "udp" => udp().expect("udp"),
        "unix" => unix().expect("unix"),
        "processes" => processes().expect("processes"),
        "times" => times().expect("times"),
        "lines" => lines().expect("lines"),
        other => {
            eprintln!("no case {other}");
            process::exit(2);
        }
    }
}

fn arguments() {
    for (n, argument) in std::env::args_os().enumerate().skip(1) {
        println!("{n} {argument:?}");
    }
    println!("{}", std::env::args().len());
}

fn environment() {
    let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TRY_"));
    println!("{:?}", ours.collect::<BTreeMap<_, _>>());
    // SAFETY: this process has one thread.
    unsafe { std::env::set_var("TRY_NEW", "some=thing") };
    println!(
        "{:?} {:?}",
        std::env::var("TRY_NEW"),
        std::env::var("TRY_NONE")
    );
    // SAFETY: as above.
    unsafe { std::env::remove_var("TRY_NEW") };
    println!("{:?}", std::env::var("TRY_NEW"));
    println!(
        "{:?}",
        std::env::current_dir().map(|at| at.file_name().map(|n| n.to_owned()))
    );
    println!("{}", std::env::temp_dir().is_absolute());
}

fn numbers() {
    println!(
        "{} {} {:e} {:?}",
        0.1 + 0.2,
        f64::MAX,
        1.5e-300,
        f32::MIN_POSITIVE
    );
    println!("{:?} {:?}", "1e400".parse::<f64>(), "-0.3".parse::<f32>());
    println!(
        "{:?}",
        [
            2.0f64.sqrt(),
            1f64.sin(),
            1f64.exp(),
            3f64.ln(),
            2f64.powf(0.3),
            1f64.atan2(2.0)
        ]
    );
    println!("{} {}", i128::MAX / 7, u128::MAX % 1_000_000_007);
    println!("{:?} {:?}", i64::MAX.checked_add(1), 7u32.checked_div(0));
    println!(
        "{} {}",
        std::hint::black_box(1e20f64) as i32,
        std::hint::black_box(f32::NAN) as u8
    );
    let mut words = vec!["ß", "z", "a", "Ω", "ä"];
    words.sort();
    println!("{words:?} {}", "groß".to_uppercase());
}

struct Loud(&'static str);

impl Drop for Loud {
    fn drop(&mut self) {
        println!("dropped {} {}", self.0, thread::panicking());
    }
}

fn panics() {
    panic::set_hook(Box::new(|info| {
        println!("hook: {}", info.location().is_some())
    }));
    let number = std::env::args().len();
    let caught = panic::catch_unwind(|| {
        let _outer = Loud("outer");
        let _inner = Loud("inner");
        panic!("with {number}");
    });
    println!("{:?}", caught.unwrap_err().downcast_ref::<String>());
    let caught = panic::catch_unwind(|| panic::panic_any(17u64));
    println!("{:?}", caught.unwrap_err().downcast_ref::<u64>());
    let caught = panic::catch_unwind(AssertUnwindSafe(|| [1, 2, 3][number + 2]));
    println!("{:?}", caught.unwrap_err().downcast_ref::<String>());
    let caught = panic::catch_unwind(|| {
        let _around = Loud("around");
        let inside = panic::catch_unwind(|| panic!("inside"));
        println!("inside: {}", inside.is_err());
        panic::resume_unwind(inside.unwrap_err());
    });
    println!("{:?}", caught.unwrap_err().downcast_ref::<&str>());
    let joined = thread::Builder::new()
        .name("worker".into())
        .spawn(|| -> u8 {
            let _of_thread = Loud("of a thread");
            panic!("in {:?}", thread::current().name());
        });
    println!(
        "{:?}",
        joined.unwrap().join().unwrap_err().downcast_ref::<String>()
    );
    let lock = Arc::new(Mutex::new(0));
    let theirs = Arc::clone(&lock);
    let _ = thread::spawn(move || {
        let _held = theirs.lock().unwrap();
        panic!("with a lock");
    })
    .join();
    println!("poisoned {}", lock.is_poisoned());
    let mut depth = 0;
    println!(
        "{:?}",
        panic::catch_unwind(AssertUnwindSafe(|| deeper(&mut depth))).is_err()
    );
    println!("{depth}");
}

fn deeper(depth: &mut u32) {
    *depth += 1;
    assert!(*depth < 1000, "deep");
    deeper(depth);
    *depth -= 1;
}

fn uncaught() {
    let _loud = Loud("on the way");
    println!("before");
    panic!("on purpose");
}

fn threads() {
    let (sender, receiver) = mpsc::channel();
    let handles: Vec<_> = (0..8u64)
        .map(|n| {
            let sender = sender.clone();
            thread::spawn(move || {
                for i in 0..1000 {
                    sender.send(n * 1000 + i).unwrap();
                }
                n
            })
        })
        .collect();
    drop(sender);
    println!("{}", receiver.iter().sum::<u64>());
    println!(
        "{:?}",
        handles
            .into_iter()
            .map(|h| h.join().unwrap())
            .collect::<Vec<_>>()
    );

    let counter = AtomicU64::new(0);
    let total = Mutex::new(0u64);
    let shared = RwLock::new(vec![1, 2, 3]);
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for n in 0..4 {
            let (counter, total, shared, barrier) = (&counter, &total, &shared, &barrier);
            scope.spawn(move || {
                for _ in 0..10_000 {
                    counter.fetch_add(1, Ordering::Relaxed);
                    *total.lock().unwrap() += 1;
                }
                barrier.wait();
                assert_eq!(counter.load(Ordering::Relaxed), 40_000);
                if n == 0 {
                    shared.write().unwrap().push(4);
                }
                barrier.wait();
                assert_eq!(shared.read().unwrap().len(), 4);
            });
        }
    });
    println!("{} {}", counter.into_inner(), total.into_inner().unwrap());

    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let theirs = Arc::clone(&pair);
    let waiter = thread::spawn(move || {
        let mut ready = theirs.0.lock().unwrap();
        while !*ready {
            ready = theirs.1.wait(ready).unwrap();
        }
        "woken"
    });
    *pair.0.lock().unwrap() = true;
    pair.1.notify_all();
    println!("{}", waiter.join().unwrap());
    let guard = pair.0.lock().unwrap();
    let (_guard, out) = pair
        .1
        .wait_timeout_while(guard, Duration::from_millis(20), |_| true)
        .unwrap();
    println!("{}", out.timed_out());

    let parked = thread::spawn(thread::park);
    parked.thread().unpark();
    parked.join().unwrap();
    static ONCE: OnceLock<u32> = OnceLock::new();
    static LAZY: LazyLock<u32> = LazyLock::new(|| 7);
    println!("{} {}", ONCE.get_or_init(|| 6), *LAZY);
    println!("{}", thread::available_parallelism().is_ok());
    let big = thread::Builder::new()
        .stack_size(64 << 20)
        .spawn(|| deep_enough(100_000));
    println!("{}", big.unwrap().join().unwrap());
}

fn deep_enough(n: u64) -> u64 {
    let room = std::hint::black_box([n; 8]);
    if n == 0 {
        0
    } else {
        deep_enough(n - 1) + room[3] - n + 1
    }
}

thread_local! {
    static MINE: RefCell<Vec<Loud>> = const { RefCell::new(Vec::new()) };
    static LATE: RefCell<String> = RefCell::new(format!("{:?}", thread::current().name()));
}

fn locals() {
    let named = thread::Builder::new().name("with variables".into());
    let handle = named.spawn(|| {
        MINE.with_borrow_mut(|mine| mine.push(Loud("variable of a thread")));
        LATE.with_borrow(|late| println!("{late}"));
    });
    handle.unwrap().join().unwrap();
    println!(
        "{} {}",
        MINE.with_borrow(Vec::len),
        LATE.with_borrow(|late| late.clone())
    );
}

fn files() -> io::Result<()> {
    let path = "a file";
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(path)?;
    write!(file, "some text")?;
    file.seek(SeekFrom::Start(5))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    println!("{text:?} {}", file.stream_position()?);
    file.write_all_at(b"THERE", 1 << 33)?;
    println!(
        "{} {}",
        file.metadata()?.len(),
        file.metadata()?.blocks() < 100
    );
    file.set_len(9)?;
    file.write_all_at(b"X", 0)?;
    println!("{:?}", fs::read_to_string(path)?);
    let about = fs::metadata(path)?;
    println!("{:o} {} {}", about.mode(), about.nlink(), about.blksize());
    println!("{:?} {}", about.file_type(), about.permissions().readonly());
    println!(
        "{} {}",
        about.ino() == about.st_ino(),
        about.dev() == about.st_dev()
    );
    println!("{} {}", about.st_size(), about.uid() == about.st_uid());
    fs::set_permissions(path, fs::Permissions::from_mode(0o400))?;
    println!("{:o}", fs::metadata(path)?.permissions().mode());
    let times = fs::FileTimes::new()
        .set_modified(SystemTime::UNIX_EPOCH + Duration::new(1_234_567_890, 987_654_321))
        .set_accessed(SystemTime::UNIX_EPOCH + Duration::from_secs(5_000_000_000));
    file.set_times(times)?;
    let about = file.metadata()?;
    println!("{} {} {}", about.mtime(), about.mtime_nsec(), about.atime());

    println!("{} {}", fs::copy(path, "copy")?, fs::read("copy")?.len());
    fs::hard_link(path, "link")?;
    println!("{}", fs::metadata(path)?.nlink());
    std::os::unix::fs::symlink(path, "symbolic")?;
    println!(
        "{:?} {:?}",
        fs::read_link("symbolic")?,
        fs::symlink_metadata("symbolic")?.file_type().is_symlink()
    );
    fs::rename("link", "renamed")?;
    println!("{:?} {}", fs::exists("link")?, fs::exists("renamed")?);
    file.lock()?;
    let other = File::open(path)?;
    println!("{:?}", other.try_lock().is_err());
    file.unlock()?;
    println!("{:?}", other.try_lock().is_err());
    let (mut from, mut to) = (File::open("copy")?, File::create("again")?);
    println!("{}", io::copy(&mut from, &mut to)?);
    let (mut reader, mut writer) = io::pipe()?;
    writer.write_all(b"through a pipe")?;
    drop(writer);
    text.clear();
    println!("{} {text:?}", reader.read_to_string(&mut text)?);
    println!(
        "{}",
        File::open("/dev/null")?
            .metadata()?
            .file_type()
            .is_char_device()
    );
    println!("{}", fs::canonicalize("symbolic")?.ends_with(path));
    Ok(())
}

fn folders() -> io::Result<()> {
    fs::create_dir_all("a/b/c")?;
    for n in 0..300 {
        fs::write(format!("a/b/{n}"), vec![b'x'; n])?;
    }
    let mut names = Vec::new();
    for entry in fs::read_dir("a/b")? {
        let entry = entry?;
        let about = entry.metadata()?;
        let size = if about.is_dir() { 0 } else { about.len() };
        names.push((
            entry.file_name(),
            entry.file_type()?.is_dir(),
            size,
            entry.path().exists(),
        ));
    }
    names.sort();
    println!("{} {:?}", names.len(), &names[..5]);
    println!("{:?}", fs::remove_dir("a").map_err(|e| e.kind()));
    fs::remove_dir_all("a")?;
    println!("{}", fs::exists("a")?);
    Ok(())
}

fn errors() {
    let show = |what: &str, e: io::Error| println!("{what}: {:?} {:?}", e.kind(), e.raw_os_error());
    show("missing", File::open("missing").unwrap_err());
    show("folder", fs::read("/").unwrap_err());
    show("exists", fs::create_dir("/").unwrap_err());
    show("no folder", fs::read("/dev/null/x").unwrap_err());
    show("nul", File::open("a\0b").unwrap_err());
    show(
        "refused",
        TcpStream::connect((Ipv4Addr::LOCALHOST, 1)).unwrap_err(),
    );
    show("long", File::open("x".repeat(5000)).unwrap_err());
    show(
        "program",
        Command::new("./nosuchprogram").spawn().unwrap_err(),
    );
    println!("{}", io::Error::from_raw_os_error(2));
}

fn tcp() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let at = listener.local_addr()?;
    let server = thread::spawn(move || -> io::Result<usize> {
        let (mut stream, from) = listener.accept()?;
        assert!(from.ip().is_loopback());
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        stream.write_all(&all)?;
        Ok(all.len())
    });
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(10))?;
    stream.set_nodelay(true)?;
    stream.set_ttl(33)?;
    println!(
        "{:?} {:?} {:?}",
        stream.nodelay()?,
        stream.ttl()?,
        stream.take_error()?.is_none()
    );
    stream.set_read_timeout(Some(Duration::from_millis(30)))?;
    println!("{:?}", stream.read(&mut [0; 8]).map_err(|e| e.kind()));
    stream.set_read_timeout(None)?;
    println!("{:?}", stream.read_timeout()?);
    let sent: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
    stream.write_all(&sent)?;
    stream.shutdown(Shutdown::Write)?;
    let mut back = Vec::new();
    stream.read_to_end(&mut back)?;
    println!("{} {}", server.join().unwrap()?, back == sent);
    println!(
        "{:?}",
        "127.0.0.1:80".to_socket_addrs()?.collect::<Vec<_>>()
    );
    println!(
        "{}",
        ("localhost", 80)
            .to_socket_addrs()?
            .any(|a| a.ip().is_loopback())
    );
    Ok(())
}

fn udp() -> io::Result<()> {
    let (one, two) = (
        UdpSocket::bind("127.0.0.1:0")?,
        UdpSocket::bind("127.0.0.1:0")?,
    );
    one.send_to(b"one to two", two.local_addr()?)?;
    let mut buffer = [0; 64];
    let (n, from) = two.recv_from(&mut buffer)?;
    println!(
        "{:?} {}",
        std::str::from_utf8(&buffer[..n]),
        from == one.local_addr()?
    );
    two.connect(one.local_addr()?)?;
    two.send(b"back")?;
    println!("{} {}", one.peek(&mut buffer)?, one.recv(&mut buffer)?);
    one.set_nonblocking(true)?;
    println!(
        "{:?}",
        one.recv(&mut buffer)
            .map_err(|e| e.kind() == ErrorKind::WouldBlock)
    );
    one.set_broadcast(true)?;
    println!("{}", one.broadcast()?);
    Ok(())
}

fn unix() -> io::Result<()> {
    let (mut one, mut two) = UnixStream::pair()?;
    one.write_all(b"through a pair")?;
    drop(one);
    let mut text = String::new();
    two.read_to_string(&mut text)?;
    println!("{text}");
    let listener = UnixListener::bind("socket")?;
    println!("{}", fs::metadata("socket")?.file_type().is_socket());
    let client = thread::spawn(|| UnixStream::connect("socket")?.write_all(b"hello"));
    let (mut stream, from) = listener.accept()?;
    text.clear();
    stream.read_to_string(&mut text)?;
    client.join().unwrap()?;
    println!(
        "{text} {:?} {:?}",
        from.is_unnamed(),
        listener.local_addr()?.as_pathname()
    );
    let (one, two) = UnixDatagram::pair()?;
    one.send(b"datagram")?;
    println!("{}", two.recv(&mut [0; 20])?);
    Ok(())
}

fn processes() -> io::Result<()> {
    let output = Command::new("sh")
        .args(["-c", "echo out; echo err >&2; exit 7"])
        .output()?;
    println!("{output:?}");
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().unwrap().write_all(b"by way of cat")?;
    println!(
        "{:?}",
        child
            .wait_with_output()?
            .stdout
            .as_slice()
            .escape_ascii()
            .to_string()
    );
    let status = Command::new("sh").args(["-c", "kill -TERM $$"]).status()?;
    println!("{:?} {:?} {status}", status.code(), status.signal());
    let mut command = Command::new("sh");
    command
        .args(["-c", "echo $TRY_A; pwd"])
        .env_clear()
        .env("TRY_A", "set")
        .current_dir("/");
    println!("{:?}", String::from_utf8_lossy(&command.output()?.stdout));
    let mut command = Command::new("sh");
    command.args(["-c", "echo $0"]).arg0("renamed");
    // SAFETY: the closure makes one system call.
    unsafe { command.pre_exec(|| io::stdout().write_all(b"before exec\n")) };
    println!("{}", command.status()?);
    let mut sleeper = Command::new("sleep").arg("1000").spawn()?;
    println!("{:?}", sleeper.try_wait()?);
    sleeper.kill()?;
    println!("{:?}", sleeper.wait()?.signal());
    // This program itself.
    let own = std::env::current_exe()?;
    println!(
        "{}",
        own.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("standard"))
    );
    let status = Command::new(own).args(["exit", "42"]).status()?;
    println!("{status}");
    println!(
        "{} {}",
        process::id() > 1,
        std::os::unix::process::parent_id() > 0
    );
    Err(Command::new("echo").arg("in its place").exec())
}

fn times() -> io::Result<()> {
    let start = Instant::now();
    thread::sleep(Duration::from_millis(30));
    let took = start.elapsed();
    println!(
        "{}",
        took >= Duration::from_millis(30) && took < Duration::from_secs(30)
    );
    let now = SystemTime::now();
    File::create("now")?;
    let made = fs::metadata("now")?.modified()?;
    let apart = made.duration_since(now).unwrap_or_else(|e| e.duration());
    println!("{}", apart < Duration::from_secs(30));
    println!(
        "{:?}",
        SystemTime::UNIX_EPOCH.checked_sub(Duration::new(1, 1))
    );
    println!(
        "{:?}",
        Instant::now().checked_duration_since(start).is_some()
    );
    Ok(())
}

fn lines() -> io::Result<()> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in io::stdin().lock().lines() {
        *counts.entry(line?).or_default() += 1;
    }
    let mut out = io::stdout().lock();
    for (line, count) in counts {
        writeln!(out, "{count} {line}")?;
    }
    eprintln!("{} {}", io::stdout().as_raw_fd(), io::stderr().as_raw_fd());
    Ok(())
}
