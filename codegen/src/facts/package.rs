//! Where the kernel's headers come from: Debian's `linux-libc-dev`, which carries those
//! of every ISA in one package.

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::suite::{SINGLE, SUITES, Suite, newer};
use super::upstream;

use crate::model::Provenance;

/// The package that carries the headers.
pub(super) const PACKAGE: &str = "linux-libc-dev";
/// Where it has them, since Linux 6.11.
const ALL_ISAS: &str = "usr/lib/linux/uapi";

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

    /// The folder that holds an ISA's `asm/`; packages of one ISA each, as they were before Linux
    /// 6.11, name it by the triple.
    pub fn isa_folder(&self, uapi: &str, triple: &str) -> PathBuf {
        let all = self.root.join(ALL_ISAS);
        match all.is_dir() {
            true => all.join(uapi),
            false => self.common().join(triple),
        }
    }

    /// A tree that somebody unpacked. Its digest covers every header's path and bytes.
    ///
    /// # Errors
    /// It is not such a tree.
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
        if let Some(problem) = not_a_tree(dir) {
            return Err(format!(
                "{}: {problem}; `--headers` takes a tree unpacked with \
                 `dpkg-deb -x {PACKAGE}_VERSION_all.deb DIR`",
                dir.display()
            ));
        }
        let version = kernel_version(&headers.common())?;
        let sha256 = digest_tree(dir)?;
        Ok(Headers {
            provenance: Provenance {
                version,
                sha256,
                ..headers.provenance
            },
            ..headers
        })
    }

    /// A package file.
    ///
    /// # Errors
    /// There is none, or it is another package.
    pub fn from_deb(deb: &Path) -> Result<Headers, String> {
        Headers::from_debs(deb, &[])
    }

    /// A package file with those of further ISAs, from before there was one for all.
    fn from_debs(deb: &Path, further: &[PathBuf]) -> Result<Headers, String> {
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
        for other in further {
            let version = field(other, "Version")?;
            if version != provenance.version {
                let (one, other) = (deb.display(), other.display());
                return Err(format!("{one} and {other} are not of the same version"));
            }
            unpack_into(other, unpacked.path())?;
        }
        let root = unpacked.path().to_path_buf();
        Ok(Headers {
            root,
            provenance,
            _unpacked: Some(unpacked),
        })
    }

    /// The package that some facts are from: the very one if it is in the cache, otherwise the
    /// newest of the same kernel series that some suite has. None if that series is gone.
    ///
    /// # Errors
    /// The archive cannot be reached, or the facts are from no suite.
    pub fn available(provenance: &Provenance) -> Result<Option<Headers>, String> {
        let Some(suite) = &provenance.suite else {
            return Err("the facts do not say which Debian suite they are from".to_owned());
        };
        let (name, version) = (&provenance.package, &provenance.version);
        let kept = Suite::kept(suite, name, version)?;
        let kept = kept.filter(|deb| digest_file(deb).is_ok_and(|d| d == provenance.sha256));
        if let Some(deb) = kept {
            let mut headers = Headers::from_deb(&deb)?;
            headers.provenance.suite = Some(suite.clone());
            return Ok(Some(headers));
        }
        let series = upstream(version)?;
        let opened = Suite::open(suite)?;
        if let Some(version) = opened.newest(PACKAGE, |v| upstream(v) == Ok(series))? {
            return Headers::of(&opened, &version).map(Some);
        }
        match find(&series.to_string())? {
            Ok((suite, version)) => Headers::of(&suite, &version).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The same as an error if that series is gone.
    ///
    /// # Errors
    /// See [`Headers::available`].
    pub fn recorded(provenance: &Provenance) -> Result<Headers, String> {
        Headers::available(provenance)?.ok_or_else(|| {
            format!(
                "no suite of Debian's has the Linux of {} {} any more; bring the specification up \
                 to another by `wali-codegen update`",
                provenance.package, provenance.version
            )
        })
    }

    /// The newest package of a Debian suite, fetched with apt into the user's cache.
    /// Nothing is installed.
    ///
    /// # Errors
    /// There is no such suite, or it cannot be reached.
    pub fn from_suite(suite: &str) -> Result<Headers, String> {
        let opened = Suite::open(suite)?;
        match opened.newest(PACKAGE, |_| true)? {
            Some(version) => Headers::of(&opened, &version),
            None => Err(format!("{suite} has no package {PACKAGE}")),
        }
    }

    /// A release of Linux, such as `7.2` or `6.12.107`, from whichever suite has it.
    ///
    /// # Errors
    /// None has; the message says which releases there are.
    pub fn of_version(wanted: &str) -> Result<Headers, String> {
        match find(wanted)? {
            Ok((suite, version)) => Headers::of(&suite, &version),
            Err(all) => Err(format!(
                "no suite of Debian's has Linux {wanted}; there are {}",
                all.join(", ")
            )),
        }
    }

    /// What `--linux` names: a folder, a package file, a release of Linux or a Debian suite.
    ///
    /// # Errors
    /// There is no such thing.
    pub fn named(wanted: &str) -> Result<Headers, String> {
        let path = Path::new(wanted);
        if path.is_dir() {
            Headers::from_dir(path)
        } else if wanted.ends_with(".deb") || path.is_file() {
            Headers::from_deb(path)
        } else if wanted.contains('/') {
            Err(format!("{wanted}: no such folder or package file"))
        } else if wanted.starts_with(|c: char| c.is_ascii_digit()) {
            match wanted.chars().all(|c| c.is_ascii_digit() || c == '.') {
                true => Headers::of_version(wanted.trim_end_matches('.')),
                false => Err(format!(
                    "`{wanted}` is no release of Linux, such as 7.2 or 6.12.107"
                )),
            }
        } else {
            Headers::from_suite(wanted)
        }
    }

    fn of(suite: &Suite, version: &str) -> Result<Headers, String> {
        progress(&format!("fetching {PACKAGE} {version} of {}", suite.name()));
        let deb = suite.fetch(PACKAGE, version)?;
        let mut further = Vec::new();
        let deb = match field(&deb, "Architecture")?.as_str() {
            "all" => deb,
            _ => {
                for isa in SINGLE {
                    progress(&format!(
                        "fetching {PACKAGE} {version} of {} for {isa}",
                        suite.name()
                    ));
                    further.push(Suite::open_for(suite.name(), isa)?.fetch(PACKAGE, version)?);
                }
                further.remove(0)
            }
        };
        let mut headers = Headers::from_debs(&deb, &further)?;
        headers.provenance.suite = Some(suite.name().to_owned());
        Ok(headers)
    }
}

/// The suite that has the newest package of a release, or what there is instead.
fn find(wanted: &str) -> Result<Result<(Suite, String), Vec<String>>, String> {
    let is_it = |version: &str| {
        let rest = version.strip_prefix(wanted);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut found: Option<(Suite, String)> = None;
    let mut all = Vec::new();
    for name in SUITES {
        progress(&format!("looking for Linux {wanted} in {name}"));
        let suite = Suite::open(name)?;
        if let Some(newest) = suite.newest(PACKAGE, |_| true)? {
            all.push(format!("{newest} in {name}"));
        }
        if let Some(version) = suite.newest(PACKAGE, is_it)?
            && found
                .as_ref()
                .is_none_or(|(_, other)| newer(&version, other))
        {
            found = Some((suite, version));
        }
    }
    Ok(found.ok_or(all))
}

/// Says what takes a while.
pub fn progress(what: &str) {
    eprintln!("{what} ...");
}

/// Why a folder is no tree of headers of all ISAs, or of single ones as packages had it.
fn not_a_tree(dir: &Path) -> Option<String> {
    let has = |path: &str| dir.join(path).exists();
    if !dir.is_dir() {
        return Some(match dir.exists() {
            true => "not a folder".to_owned(),
            false => "no such folder".to_owned(),
        });
    }
    if has("include/uapi/linux") && has("Kbuild") {
        return Some("this is the kernel's source, whose headers are not fit for use".to_owned());
    }
    if has("include/linux/version.h") {
        return Some(
            "these are the headers of one ISA, as `make headers_install` writes them".to_owned(),
        );
    }
    if !has("usr/include/linux") {
        return Some("no folder usr/include/linux in it".to_owned());
    }
    let single = || {
        let entries = fs::read_dir(dir.join("usr/include"))
            .into_iter()
            .flatten()
            .flatten();
        entries
            .map(|entry| entry.path())
            .any(|path| path.join("asm").is_dir())
    };
    if !has(ALL_ISAS) && !single() {
        return Some(format!("no folder {ALL_ISAS} in it"));
    }
    None
}

/// A package unpacked into a folder that goes away with it.
pub(super) fn unpack(deb: &Path) -> Result<TempDir, String> {
    let unpacked = TempDir::new().map_err(|e| format!("cannot make a temporary folder: {e}"))?;
    unpack_into(deb, unpacked.path())?;
    Ok(unpacked)
}

fn unpack_into(deb: &Path, folder: &Path) -> Result<(), String> {
    let mut dpkg = Command::new("dpkg-deb");
    let outcome = run(dpkg.arg("-x").arg(deb).arg(folder), DPKG);
    outcome.map_err(|error| format!("{}: cannot be unpacked\n{error}", deb.display()))?;
    Ok(())
}

/// A field of a package's description.
pub(super) fn field(deb: &Path, name: &str) -> Result<String, String> {
    let output = run(Command::new("dpkg-deb").arg("-f").arg(deb).arg(name), DPKG)?;
    Ok(output.trim().to_owned())
}

const DPKG: &str = "install dpkg, or unpack the package elsewhere and use `--headers DIR`";

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
