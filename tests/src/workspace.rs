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
/// `target/release/deps/guests-0123`.
fn profile_dir() -> PathBuf {
    let exe = env::current_exe().expect("a running program has a path");
    exe.ancestors()
        .nth(2)
        .expect("a test stands in target/PROFILE/deps")
        .to_path_buf()
}

/// Cargo's target folder.
pub fn target_dir() -> PathBuf {
    profile_dir()
        .parent()
        .expect("profiles stand in the target folder")
        .to_path_buf()
}

/// A folder for built guests, shared by all profiles.
pub fn guest_dir() -> PathBuf {
    let dir = target_dir().join("guests");
    std::fs::create_dir_all(&dir).unwrap_or_else(|e| panic!("cannot make {}: {e}", dir.display()));
    dir
}

/// The ISA under test and how its programs run here: native unless `WALI_TARGET` names
/// another target, whose programs start through `CARGO_TARGET_<TARGET>_RUNNER`.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The target triple; none for this machine's own.
    pub triple: Option<String>,
    /// The runner's command and arguments; empty where programs run by themselves.
    pub runner: Vec<String>,
}

/// The target under test.
pub fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let Ok(triple) = env::var("WALI_TARGET") else {
            return Target::default();
        };
        let key = triple.to_uppercase().replace('-', "_");
        let runner = env::var(format!("CARGO_TARGET_{key}_RUNNER")).unwrap_or_default();
        Target {
            triple: Some(triple),
            runner: runner.split_whitespace().map(str::to_string).collect(),
        }
    })
}

/// The `wali` command: `WALI_BIN`, or built by cargo in this executable's profile.
pub fn wali() -> &'static Path {
    static WALI: OnceLock<PathBuf> = OnceLock::new();
    WALI.get_or_init(|| match env::var_os("WALI_BIN") {
        Some(path) => PathBuf::from(path)
            .canonicalize()
            .unwrap_or_else(|e| panic!("WALI_BIN names no file: {e}")),
        None => build_wali(),
    })
}

fn build_wali() -> PathBuf {
    let mut dir = profile_dir();
    let profile = dir
        .file_name()
        .and_then(|n| n.to_str())
        .expect("a profile's folder has a name");
    let profile = if profile == "debug" { "dev" } else { profile }.to_string();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(root());
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "wali-runtime",
        "--bin",
        "wali",
    ]);
    cargo.args(["--profile", &profile, "--target-dir"]);
    cargo.arg(dir.parent().expect("profiles stand in the target folder"));
    if let Some(triple) = &target().triple {
        cargo.args(["--target", triple]);
        let name = dir.file_name().expect("checked above").to_os_string();
        dir = dir.parent().expect("checked above").join(triple).join(name);
    }
    let status = cargo
        .status()
        .unwrap_or_else(|e| panic!("cannot start cargo: {e}"));
    assert!(
        status.success(),
        "`wali` does not build; set WALI_BIN to use one that exists"
    );
    dir.join("wali")
}

/// A command that runs `program` of the target under test.
pub fn command(program: &Path) -> Command {
    match target().runner.split_first() {
        None => Command::new(program),
        Some((runner, args)) => {
            let mut command = Command::new(runner);
            command.args(args).arg(program);
            command
        }
    }
}
