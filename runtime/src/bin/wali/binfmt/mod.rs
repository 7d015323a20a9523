//! `wali binfmt`: the kernel runs modules by this command.

mod entry;
mod started;

use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use entry::{Entry, NAME};
pub use started::run as run_started;

/// Where the kernel is told of formats.
const REGISTRY: &str = "/proc/sys/fs/binfmt_misc";

/// What a file for the start of the system begins with, to be known again.
const HEADING: &str = "# Written by `wali binfmt install --persistent`.";

/// How modules are run: `P` leaves a program its argv[0], `O` has the kernel open the module, so
/// that the file it has looked at is the one that runs, and need not be readable.
///
/// `C` is not among them: a module's set-user-id bit counts for nothing, since a runtime with
/// more rights than its user is another program than this one. `F` is an option.
const FLAGS: &str = "PO";

/// Have the kernel run WebAssembly modules as programs
///
/// With `wali binfmt install`, done by root, a module that is executable runs like any other
/// program: ./prog.wasm, from any shell, script or service, with its own argv[0] and the whole
/// environment. Options of `wali run` for it are taken from the variable WALI_OPTIONS, separated
/// by blanks: WALI_OPTIONS=--trace=open ./prog.wasm
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Register modules with the kernel (binfmt_misc), to be run by this very file
    Install(Install),
    /// Take back what `install` has done
    Remove(Remove),
    /// Say whether the kernel runs modules, and by what; the exit status is 0 if by this file
    Status(Place),
}

#[derive(clap::Args)]
struct Install {
    /// Also have it registered whenever the system starts, by systemd-binfmt
    #[arg(long)]
    persistent: bool,

    /// Replace what others have registered under the same name, and go before other programs
    /// that are registered for modules
    #[arg(long)]
    force: bool,

    /// Have the kernel open this command now, so that modules run in containers and other roots,
    /// too (flag F): only useful if it is linked statically, and to be done again after an update
    #[arg(long)]
    fix: bool,

    /// Only print the line to be written to /proc/sys/fs/binfmt_misc/register
    #[arg(long, conflicts_with_all = ["persistent", "force"])]
    print: bool,

    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
struct Remove {
    /// Also remove what others have registered under the same name
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
struct Place {
    /// Where files for the start of the system are
    #[arg(long, value_name = "DIRECTORY", default_value = "/etc/binfmt.d")]
    directory: PathBuf,
}

impl Place {
    fn file(&self) -> PathBuf {
        self.directory.join(format!("{NAME}.conf"))
    }
}

/// Does it, or says why not.
pub fn binfmt(args: &Args) -> ExitCode {
    let done = match &args.action {
        Action::Install(install) => self::install(install).map(|()| true),
        Action::Remove(remove) => self::remove(remove).map(|()| true),
        Action::Status(place) => status(place),
    };
    match done {
        Ok(good) => ExitCode::from(u8::from(!good)),
        Err(text) => {
            eprintln!("wali: {text}");
            ExitCode::FAILURE
        }
    }
}

/// This command's own file.
fn own_path() -> Result<String, String> {
    let path = std::env::current_exe().map_err(|e| format!("cannot find this command: {e}"))?;
    let text = path.to_str().ok_or("this command's path is no text")?;
    match path.exists() {
        true => Ok(text.into()),
        false => Err(format!("{text}: this command is no longer there")),
    }
}

fn install(options: &Install) -> Result<(), String> {
    let own = own_path()?;
    let flags = if options.fix { "POF" } else { FLAGS };
    let line = entry::line(&own, flags)?;
    if options.print {
        println!("{line}");
        return Ok(());
    }
    if !tells_of_flags() {
        return Err(
            "Linux 5.12 or later is needed, which tells a program how it was \
                    started"
                .into(),
        );
    }
    mount()?;
    let file = options.place.file();
    if !options.force {
        no_others(&own)?;
        if options.persistent && !is_ours(&file)? {
            return Err(format!(
                "{}: not written by wali; --force replaces it",
                file.display()
            ));
        }
    }
    if registered(NAME).is_some() {
        write(NAME, "-1")?;
    }
    write("register", &line)?;
    println!("WebAssembly modules are run by {own}");
    if options.persistent {
        let text = format!("{HEADING}\n{line}\n");
        let written = fs::create_dir_all(&options.place.directory);
        let written = written.and_then(|()| fs::write(&file, text));
        written.map_err(|e| format!("{}: {e}{}", file.display(), remedy(&e)))?;
        println!(
            "and will be when the system has started: {}",
            file.display()
        );
        if !Path::new("/run/systemd/system").exists() {
            println!(
                "(systemd does not run here; without its systemd-binfmt, see to it that \
                 `wali binfmt install` runs at the start)"
            );
        }
    }
    Ok(())
}

/// Makes sure that nobody else has the name, or modules.
fn no_others(own: &str) -> Result<(), String> {
    for (name, entry) in entries() {
        if entry.interpreter == own {
            continue;
        }
        if name == NAME {
            return Err(format!(
                "another `{NAME}` is registered, {}; --force replaces it",
                entry.interpreter
            ));
        }
        if entry.takes_modules() {
            return Err(format!(
                "modules are run by {} already, which is registered as `{name}`; --force goes \
                 before it",
                entry.interpreter
            ));
        }
    }
    Ok(())
}

fn remove(options: &Remove) -> Result<(), String> {
    let own = own_path()?;
    let file = options.place.file();
    let mut removed = false;
    if let Some(entry) = registered(NAME) {
        if entry.interpreter != own && !options.force {
            return Err(format!(
                "what is registered as `{NAME}` is {}; --force removes it",
                entry.interpreter
            ));
        }
        write(NAME, "-1")?;
        println!(
            "WebAssembly modules are no longer run by {}",
            entry.interpreter
        );
        removed = true;
    }
    if file.exists() {
        if !is_ours(&file)? && !options.force {
            return Err(format!(
                "{}: not written by wali; --force removes it",
                file.display()
            ));
        }
        fs::remove_file(&file).map_err(|e| format!("{}: {e}{}", file.display(), remedy(&e)))?;
        println!("removed {}", file.display());
        removed = true;
    }
    if !removed {
        println!("nothing is registered");
    }
    Ok(())
}

fn status(place: &Place) -> Result<bool, String> {
    let own = own_path().ok();
    let general = fs::read_to_string(Path::new(REGISTRY).join("status"));
    let general = match &general {
        Ok(text) => text.trim(),
        Err(_) => "not there: `wali binfmt install` mounts it",
    };
    println!("binfmt_misc: {general}");
    let entry = registered(NAME);
    let ours = match &entry {
        Some(entry) => {
            let enabled = if entry.enabled { "" } else { ", disabled" };
            let own = own.as_deref() == Some(&entry.interpreter);
            let which = if own { "this file" } else { "not this file" };
            println!(
                "{NAME}: {} ({which}), flags {}{enabled}",
                entry.interpreter, entry.flags
            );
            own && general == "enabled" && entry.takes_modules()
        }
        None => {
            println!("{NAME}: not registered");
            false
        }
    };
    for (name, entry) in entries() {
        if name != NAME && entry.takes_modules() {
            println!("{name}: {}, for modules, too", entry.interpreter);
        }
    }
    let file = place.file();
    match is_ours(&file) {
        Ok(true) if file.exists() => println!("at the start of the system: {}", file.display()),
        Ok(false) => println!("at the start of the system: {}, not ours", file.display()),
        _ => println!("at the start of the system: not registered"),
    }
    Ok(ours)
}

/// What is registered, by name.
fn entries() -> Vec<(String, Entry)> {
    let names = fs::read_dir(REGISTRY).into_iter().flatten();
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let names = names.filter(|name| name != "register" && name != "status");
    let mut entries: Vec<_> = names
        .filter_map(|name| registered(&name).map(|entry| (name, entry)))
        .collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

fn registered(name: &str) -> Option<Entry> {
    let text = fs::read_to_string(Path::new(REGISTRY).join(name)).ok()?;
    Some(Entry::parse(&text))
}

/// Whether a file for the start of the system was written by this command, or is not there.
fn is_ours(file: &Path) -> Result<bool, String> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.starts_with(HEADING)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(e) => Err(format!("{}: {e}", file.display())),
    }
}

/// Writes to a file of the registry, all at once.
fn write(name: &str, text: &str) -> Result<(), String> {
    let path = Path::new(REGISTRY).join(name);
    let written = fs::OpenOptions::new().write(true).open(&path);
    let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|e| format!("{}: {e}{}", path.display(), remedy(&e)))
}

/// Mounts the registry, if it is not there.
fn mount() -> Result<(), String> {
    let register = Path::new(REGISTRY).join("register");
    if register.exists() {
        return Ok(());
    }
    if !Path::new(REGISTRY).exists() {
        return Err(format!(
            "{REGISTRY} is not there: the kernel lacks binfmt_misc, or has it as a module that is \
             not loaded (try `modprobe binfmt_misc`), or /proc is not mounted"
        ));
    }
    let Ok(target) = CString::new(REGISTRY) else {
        return Err("no path".into());
    };
    let kind = c"binfmt_misc";
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    // SAFETY: three C strings, and no data.
    let result = unsafe {
        libc::mount(
            kind.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            std::ptr::null(),
        )
    };
    if result == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    Err(format!(
        "cannot mount {REGISTRY}: {error}{}",
        remedy(&error)
    ))
}

/// What can be done about an error.
fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => {
            " (that takes root; in a container it is up to the host, or to Linux 6.7 and later \
             in a user namespace)"
        }
        Some(libc::EROFS) => " (a container, perhaps: then it is to be done on the host)",
        Some(libc::ENODEV) => " (the kernel lacks binfmt_misc; try `modprobe binfmt_misc`)",
        Some(libc::EINVAL) => " (the kernel does not take the line)",
        _ => "",
    }
}

/// Whether the kernel tells programs by which flags they were started.
fn tells_of_flags() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut number = || numbers.next().and_then(|n| n.parse::<u32>().ok());
    let (Some(major), Some(minor)) = (number(), number()) else {
        return true;
    };
    (major, minor) >= (5, 12)
}
