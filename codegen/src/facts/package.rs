//! Where the kernel's headers come from: Debian's `linux-libc-dev`, which carries those
//! of every ISA in one package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, iter};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::model::Provenance;

/// The package that carries the headers.
const PACKAGE: &str = "linux-libc-dev";
/// Names a mirror of Debian's archive, in place of the one that apt uses here.
const MIRROR: &str = "WALI_DEBIAN_MIRROR";
/// The keys that sign it, as Debian and its children install them.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An unpacked tree of headers.
#[derive(Debug)]
pub struct Headers {
    root: PathBuf,
    /// What the tree was unpacked from.
    pub provenance: Provenance,
    /// Keeps an unpacked package until the headers are read.
    _unpacked: Option<TempDir>,
}

impl Headers {
    /// The headers all ISAs share.
    pub fn common(&self) -> PathBuf {
        self.root.join("usr/include")
    }

    /// The folder that holds an ISA's `asm/`.
    pub fn isa_folder(&self, uapi: &str) -> PathBuf {
        self.root.join("usr/lib/linux/uapi").join(uapi)
    }

    /// A tree that somebody unpacked. Its digest covers every header's path and bytes.
    pub fn from_dir(dir: &Path) -> Result<Headers, String> {
        let headers = Headers {
            root: dir.to_path_buf(),
            provenance: Provenance {
                package: "headers".to_owned(),
                suite: None,
                version: String::new(),
                sha256: String::new(),
            },
            _unpacked: None,
        };
        let missing = [headers.common(), headers.root.join("usr/lib/linux/uapi")]
            .into_iter()
            .find(|folder| !folder.is_dir());
        if let Some(folder) = missing {
            return Err(format!(
                "{}: no such folder; `--headers` takes a tree unpacked with \
                 `dpkg-deb -x {PACKAGE}_VERSION_all.deb DIR`",
                folder.display()
            ));
        }
        let version = kernel_version(&headers.common())?;
        let sha256 = digest_tree(dir)?;
        let package = "headers".to_owned();
        Ok(Headers {
            provenance: Provenance {
                package,
                suite: None,
                version,
                sha256,
            },
            ..headers
        })
    }

    /// A package file.
    pub fn from_deb(deb: &Path) -> Result<Headers, String> {
        if !deb.is_file() {
            let problem = if deb.exists() {
                "not a file"
            } else {
                "no such file"
            };
            return Err(format!(
                "{}: {problem}; `--deb` takes a package `{PACKAGE}_VERSION_all.deb`",
                deb.display()
            ));
        }
        let provenance = Provenance {
            package: field(deb, "Package")?,
            suite: None,
            version: field(deb, "Version")?,
            sha256: digest_file(deb)?,
        };
        if provenance.package != PACKAGE {
            return Err(format!(
                "{}: the package is `{}`, expected `{PACKAGE}`",
                deb.display(),
                provenance.package
            ));
        }
        let unpacked = unpack(deb)?;
        let root = unpacked.path().to_path_buf();
        Ok(Headers {
            root,
            provenance,
            _unpacked: Some(unpacked),
        })
    }

    /// The package that some facts are from: the very one if it is in the cache, otherwise what
    /// their suite has now.
    pub fn recorded(provenance: &Provenance) -> Result<Headers, String> {
        let Some(suite) = &provenance.suite else {
            return Err("the facts do not say which Debian suite they are from".to_owned());
        };
        let packages = cache_folder()?.join(suite).join("packages");
        let version = provenance.version.replace(':', "%3a");
        let deb = packages.join(format!("{}_{version}_all.deb", provenance.package));
        match digest_file(&deb) {
            Ok(digest) if digest == provenance.sha256 => Headers::from_deb(&deb),
            _ => Headers::from_suite(suite),
        }
    }

    /// The newest package of a Debian suite, fetched with apt into the user's cache.
    /// Nothing is installed.
    pub fn from_suite(suite: &str) -> Result<Headers, String> {
        let mut headers = Headers::from_deb(&fetch(PACKAGE, suite)?)?;
        headers.provenance.suite = Some(suite.to_owned());
        Ok(headers)
    }
}

/// A package unpacked into a folder that goes away with it.
pub(super) fn unpack(deb: &Path) -> Result<TempDir, String> {
    let unpacked = TempDir::new().map_err(|e| format!("cannot make a temporary folder: {e}"))?;
    let mut dpkg = Command::new("dpkg-deb");
    run(dpkg.arg("-x").arg(deb).arg(unpacked.path()), DPKG)?;
    Ok(unpacked)
}

/// A field of a package's description.
pub(super) fn field(deb: &Path, name: &str) -> Result<String, String> {
    let output = run(Command::new("dpkg-deb").arg("-f").arg(deb).arg(name), DPKG)?;
    Ok(output.trim().to_owned())
}

const DPKG: &str = "install dpkg, or unpack the package elsewhere and use `--headers DIR`";
const APT: &str = "fetch needs apt and Debian's archive; elsewhere, download the package \
                   `linux-libc-dev` by hand and use `--deb FILE`";

/// Debian's archive: the mirror that this system's apt is set up with, since that is one
/// that can be reached.
fn archive() -> Result<String, String> {
    if let Ok(mirror) = env::var(MIRROR) {
        return Ok(mirror);
    }
    let mut apt = Command::new("apt-get");
    apt.args(["indextargets", "--format", "$(REPO_URI)"]);
    apt.arg("Created-By: Packages").env("LC_ALL", "C");
    let sources = run(&mut apt, APT)?;
    sources
        .lines()
        .find(|uri| uri.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
        .ok_or_else(|| {
            format!(
                "no archive of Debian's is among this system's apt sources; name a mirror \
                 by {MIRROR}, or download the package `{PACKAGE}` by hand and use `--deb FILE`"
            )
        })
}

/// The newest version of a package in a Debian suite, fetched with apt into the user's cache.
pub(super) fn fetch(package: &str, suite: &str) -> Result<PathBuf, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if suite.is_empty() || !suite.chars().all(plain) {
        return Err(format!(
            "`{suite}` is not the name of a Debian suite, such as `trixie`"
        ));
    }
    if !Path::new(KEYRING).exists() {
        return Err(format!(
            "{KEYRING} is missing, so the archive cannot be trusted; \
             install `debian-archive-keyring` or use `--deb FILE`"
        ));
    }
    let root = cache_folder()?.join(suite);
    let folders = [
        "lists/partial",
        "cache/archives/partial",
        "state",
        "packages",
    ];
    for folder in folders.map(|folder| root.join(folder)) {
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let list = root.join("sources.list");
    let line = format!("deb [signed-by={KEYRING}] {} {suite} main\n", archive()?);
    fs::write(&list, line).map_err(|e| format!("{}: {e}", list.display()))?;
    let status = root.join("state/status");
    fs::write(&status, "").map_err(|e| format!("{}: {e}", status.display()))?;

    let apt = |folder: &str| {
        let mut apt = Command::new("apt-get");
        let options = [
            ("Dir::Etc::SourceList", list.clone()),
            ("Dir::Etc::SourceParts", PathBuf::from("-")),
            ("Dir::State", root.join("state")),
            ("Dir::State::Lists", root.join("lists")),
            ("Dir::State::status", status.clone()),
            ("Dir::Cache", root.join("cache")),
            ("APT::Sandbox::User", PathBuf::from("root")),
        ];
        for (name, value) in options {
            apt.arg("-o").arg(format!("{name}={}", value.display()));
        }
        apt.arg("-qq")
            .env("LC_ALL", "C")
            .current_dir(root.join(folder));
        apt
    };
    let mut update = apt("state");
    update.args(["-o", "APT::Update::Error-Mode=any", "update"]);
    run(&mut update, APT).map_err(|error| match cached(package, &root.join("packages")) {
        Some(deb) => format!(
            "{error}\nan earlier package is in the cache: {}",
            deb.display()
        ),
        None => {
            // A leftover without packages would look like a suite.
            if fs::remove_dir(root.join("packages")).is_ok() {
                let _ = fs::remove_dir_all(&root);
            }
            if error.contains("does not have a Release file") {
                format!("Debian has no suite `{suite}`?\n{error}")
            } else {
                error
            }
        }
    })?;
    // One line: 'URI' file-name size SHA256:digest. Asked where the file is not, since apt
    // is silent about files that are there already.
    let line = run(
        apt("state").args(["--print-uris", "download", package]),
        APT,
    )?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, name, _, digest] = words[..] else {
        return Err(format!(
            "apt does not say where {package} of {suite} is: `{line}`"
        ));
    };
    let deb = root.join("packages").join(name);
    let digest = digest.strip_prefix("SHA256:").unwrap_or(digest);
    let intact = || digest_file(&deb).is_ok_and(|found| found == digest);
    if !intact() {
        // apt does not replace a file that an interrupted run left behind.
        let _ = fs::remove_file(&deb);
        run(apt("packages").args(["download", package]), APT)?;
    }
    if intact() {
        Ok(deb)
    } else {
        Err(format!(
            "{}: not what apt announced; remove it and try again",
            deb.display()
        ))
    }
}

/// A package that an earlier run fetched.
fn cached(package: &str, packages: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(packages).ok()?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let of_package = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(&format!("{package}_")) && name.ends_with(".deb"))
    };
    paths.filter(of_package).max()
}

fn cache_folder() -> Result<PathBuf, String> {
    let xdg = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    xdg.or_else(|| Some(env::home_dir()?.join(".cache")))
        .map(|cache| cache.join("wali"))
        .ok_or_else(|| "no home folder; set XDG_CACHE_HOME to where packages may be kept".into())
}

pub(super) fn run(command: &mut Command, remedy: &str) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|e| format!("cannot run `{name}`: {e}; {remedy}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{name}` failed: {}\n{remedy}", complaint.trim()))
    }
}

pub(super) fn digest_file(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(hexadecimal(&Sha256::digest(bytes)))
}

fn digest_tree(dir: &Path) -> Result<String, String> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries {
            let path = entry
                .map_err(|e| format!("{}: {e}", folder.display()))?
                .path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "h") {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.strip_prefix(dir).unwrap_or(&file);
        hash.update(name.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(digest_file(&file)?);
    }
    Ok(hexadecimal(&hash.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The version in `linux/version.h`.
pub(super) fn kernel_version(common: &Path) -> Result<String, String> {
    let path = common.join("linux/version.h");
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let part = |name: &str| {
        let prefix = format!("#define LINUX_VERSION_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.map(|value| value.trim().to_owned())
    };
    let parts: Option<Vec<String>> = iter::once("MAJOR")
        .chain(["PATCHLEVEL", "SUBLEVEL"])
        .map(part)
        .collect();
    let parts = parts.ok_or_else(|| format!("{}: no LINUX_VERSION_MAJOR", path.display()))?;
    Ok(parts.join("."))
}
