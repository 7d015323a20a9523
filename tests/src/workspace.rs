//! Where things are: the source tree, the build folder and the `wali` command.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ stands in the root")
}

/// The folder of the spec.
pub fn spec_dir() -> PathBuf {
    root().join("spec")
}

/// Where this executable's profile puts its results: `target/release` for
/// `target/release/deps/guests-0123`, and `target/TRIPLE/release` where cargo was told a triple.
fn profile_dir() -> PathBuf {
    let exe = env::current_exe().expect("a running program has a path");
    exe.ancestors()
        .nth(2)
        .expect("a test stands in target/PROFILE/deps")
        .to_path_buf()
}

/// The triple that cargo was told when it built this executable, if it was.
fn own_triple() -> Option<String> {
    let folder = profile_dir();
    let name = folder.parent()?.file_name()?.to_str()?;
    (name.starts_with(env::consts::ARCH) && name.contains("-linux-")).then(|| name.to_string())
}

/// Cargo's target folder.
pub fn target_dir() -> PathBuf {
    let up = if own_triple().is_some() { 2 } else { 1 };
    profile_dir()
        .ancestors()
        .nth(up)
        .expect("profiles stand in the target folder")
        .to_path_buf()
}

/// A folder for built guests, shared by all profiles and ISAs.
pub fn guest_dir() -> PathBuf {
    let dir = target_dir().join("guests");
    std::fs::create_dir_all(&dir).unwrap_or_else(|e| panic!("cannot make {}: {e}", dir.display()));
    dir
}

/// An ISA whose programs can be made and started here: that of this executable, or another with
/// what `./cross` has put into the environment.
#[derive(Debug)]
pub struct Target {
    /// The ISA, as Rust names it.
    pub isa: String,
    /// The target triple that cargo is told; none for this machine's own.
    pub triple: Option<String>,
    /// What starts its programs; empty where the kernel does.
    runner: Vec<String>,
    wali: OnceLock<PathBuf>,
}

/// The target of this executable.
pub fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| Target::new(env::consts::ARCH, own_triple()))
}

/// The targets under test: those of `WALI_ISAS`, names with commas between, or this executable's.
///
/// # Panics
/// If the environment names an ISA without saying its triple.
pub fn targets() -> &'static [&'static Target] {
    static TARGETS: OnceLock<Vec<&'static Target>> = OnceLock::new();
    TARGETS.get_or_init(|| {
        let Ok(names) = env::var("WALI_ISAS") else {
            return vec![target()];
        };
        let other = |name: &str| -> &'static Target {
            if name == target().isa {
                return target();
            }
            let key = format!("WALI_TARGET_{name}");
            let triple = env::var(&key).unwrap_or_else(|_| {
                panic!("WALI_ISAS names {name}, and there is no {key}: start this by ./cross --host {name}")
            });
            Box::leak(Box::new(Target::new(name, Some(triple))))
        };
        names.split(',').map(other).collect()
    })
}

impl Target {
    fn new(isa: &str, triple: Option<String>) -> Target {
        let runner = triple.as_ref().map(|triple| {
            let key = triple.to_uppercase().replace('-', "_");
            env::var(format!("CARGO_TARGET_{key}_RUNNER")).unwrap_or_default()
        });
        let runner = runner.unwrap_or_default();
        Target {
            isa: isa.to_string(),
            triple,
            runner: runner.split_whitespace().map(str::to_string).collect(),
            wali: OnceLock::new(),
        }
    }

    /// Whether its programs run under an emulator.
    pub fn emulated(&self) -> bool {
        self.triple.is_some()
    }

    /// The C compiler for it with its arguments, as the `cc` crate would look for it.
    pub fn cc(&self) -> Result<Vec<String>, String> {
        let cc = match &self.triple {
            None => env::var("CC").unwrap_or_else(|_| "cc".into()),
            Some(triple) => {
                let key = format!("CC_{}", triple.replace('-', "_"));
                env::var(&key).map_err(|_| format!("set {key} to a C compiler for {triple}"))?
            }
        };
        Ok(cc.split_whitespace().map(str::to_string).collect())
    }

    /// A command that runs one of its programs.
    pub fn command(&self, program: &Path) -> Command {
        match self.runner.split_first() {
            None => Command::new(program),
            Some((runner, args)) => {
                let mut command = Command::new(runner);
                command.args(args).arg(program);
                command
            }
        }
    }

    /// Its `wali`, built by cargo in this executable's profile; `WALI_BIN` names another one for
    /// this executable's own target.
    pub fn wali(&self) -> &Path {
        self.wali.get_or_init(|| match env::var_os("WALI_BIN") {
            Some(path) if self.isa == target().isa => PathBuf::from(path)
                .canonicalize()
                .unwrap_or_else(|e| panic!("WALI_BIN names no file: {e}")),
            _ => self.build_wali(),
        })
    }

    fn build_wali(&self) -> PathBuf {
        let folder = profile_dir();
        let folder = folder.file_name().expect("a profile's folder has a name");
        let profile = match folder.to_str().expect("profiles have plain names") {
            "debug" => "dev",
            other => other,
        };
        let place = self.cargo(|cargo| cargo.args(["--bin", "wali", "--profile", profile]));
        let place = place.unwrap_or_else(|| {
            let isa = &self.isa;
            panic!("`wali` does not build for {isa}; set WALI_BIN to use one that exists")
        });
        place.join(folder).join("wali")
    }

    /// The library of `wali-runtime`, optimised, built as is the default for its ISA.
    pub fn library(&self) -> PathBuf {
        let place = self.cargo(|cargo| {
            let cargo = cargo.env_remove("WALI_DISPATCH").env_remove("WALI_BOUNDS");
            cargo.args(["--lib", "--release"])
        });
        let place = place.unwrap_or_else(|| panic!("wali-runtime does not build for {}", self.isa));
        place.join("release/libwali_runtime.rlib")
    }

    /// Has cargo build something of `wali-runtime` for this target; the folder of the profiles,
    /// or none if that fails.
    fn cargo(&self, what: impl FnOnce(&mut Command) -> &mut Command) -> Option<PathBuf> {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.current_dir(root());
        cargo.args(["build", "--quiet", "--package", "wali-runtime"]);
        let mut place = target_dir();
        if let Ok(crates) = env::var(format!("WALI_BUILD_STD_{}", self.isa)) {
            // Apart, since what stable rustc is allowed here has all be built anew.
            place.push("build-std");
            cargo.env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_UNSTABLE_BUILD_STD", crates);
        }
        what(&mut cargo).arg("--target-dir").arg(&place);
        if let Some(triple) = &self.triple {
            cargo.args(["--target", triple]);
            place.push(triple);
        }
        let status = cargo
            .status()
            .unwrap_or_else(|e| panic!("cannot start cargo: {e}"));
        status.success().then_some(place)
    }
}

/// The `wali` of this executable's target.
pub fn wali() -> &'static Path {
    target().wali()
}

/// A command that runs a program of this executable's target.
pub fn command(program: &Path) -> Command {
    target().command(program)
}

/// Where `sdk/install` puts what it makes, or `WALI_SDK`.
pub fn sdk() -> Option<PathBuf> {
    if let Some(sdk) = env::var_os("WALI_SDK") {
        return Some(sdk.into());
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("wali/sdk"))
}
