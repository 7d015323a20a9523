//! Debian's suites: what packages they have, fetched with apt into the user's cache. Nothing is
//! installed.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::package::{PACKAGE, digest_file, run};

/// The suites that carry kernels, oldest first.
pub(super) const SUITES: [&str; 6] = [
    "bookworm",
    "bookworm-backports",
    "trixie",
    "trixie-backports",
    "forky",
    "sid",
];

/// Debian's names of the ISAs that it had, of those in question, when the headers' package was
/// one for each ISA.
pub(super) const SINGLE: [&str; 2] = ["amd64", "arm64"];

/// Names a mirror of Debian's archive, in place of the one that apt uses here.
const MIRROR: &str = "WALI_DEBIAN_MIRROR";
/// The keys that sign it, as Debian and its children install them.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

const APT: &str = "fetch needs apt and Debian's archive; elsewhere, download the package \
                   `linux-libc-dev` by hand and name it (`facts --deb FILE`, `update --linux FILE`)";

/// A suite whose lists of packages are up to date.
#[derive(Debug)]
pub(super) struct Suite {
    name: String,
    /// Debian's name of an ISA; this system's if there is none.
    isa: Option<String>,
    /// Its folder in the cache.
    root: PathBuf,
}

impl Suite {
    /// The suite of a name, for this system's ISA.
    pub fn open(name: &str) -> Result<Suite, String> {
        Suite::new(name, None)
    }

    /// The same for another ISA.
    pub fn open_for(name: &str, isa: &str) -> Result<Suite, String> {
        Suite::new(name, Some(isa))
    }

    /// A package that an earlier run fetched.
    pub fn kept(name: &str, package: &str, version: &str) -> Result<Option<PathBuf>, String> {
        let packages = cache_folder()?.join(name).join("packages");
        let file = format!("{package}_{}_all.deb", version.replace(':', "%3a"));
        Ok(Some(packages.join(file)).filter(|deb| deb.is_file()))
    }

    fn new(name: &str, isa: Option<&str>) -> Result<Suite, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!(
                "`{name}` is not the name of a Debian suite, such as `trixie`"
            ));
        }
        if !Path::new(KEYRING).exists() {
            return Err(format!(
                "{KEYRING} is missing, so the archive cannot be trusted; \
                 install it with the package `debian-archive-keyring`, or name a package at \
                 hand (`facts --deb FILE`, `update --linux FILE`)"
            ));
        }
        let root = cache_folder()?.join(match isa {
            Some(isa) => format!("{name}-{isa}"),
            None => name.to_owned(),
        });
        let folders = [
            "lists/partial",
            "cache/archives/partial",
            "state",
            "packages",
        ];
        for folder in folders.map(|folder| root.join(folder)) {
            fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        let suite = Suite {
            name: name.to_owned(),
            isa: isa.map(str::to_owned),
            root,
        };
        suite.update()?;
        Ok(suite)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn update(&self) -> Result<(), String> {
        let list = self.list();
        let line = format!(
            "deb [signed-by={KEYRING}] {} {} main\n",
            archive()?,
            self.name
        );
        fs::write(&list, line).map_err(|e| format!("{}: {e}", list.display()))?;
        let status = self.status();
        fs::write(&status, "").map_err(|e| format!("{}: {e}", status.display()))?;
        let mut update = self.apt("apt-get", "state");
        update.args(["-qq", "-o", "APT::Update::Error-Mode=any", "update"]);
        run(&mut update, APT).map_err(|error| {
            match cached(PACKAGE, &self.root.join("packages")) {
                Some(deb) => format!(
                    "{error}\nan earlier package is in the cache: {}",
                    deb.display()
                ),
                None => {
                    // A leftover without packages would look like a suite.
                    if fs::remove_dir(self.root.join("packages")).is_ok() {
                        let _ = fs::remove_dir_all(&self.root);
                    }
                    if error.contains("does not have a Release file") {
                        format!("Debian has no suite `{}`?\n{error}", self.name)
                    } else {
                        error
                    }
                }
            }
        })?;
        Ok(())
    }

    fn list(&self) -> PathBuf {
        self.root.join("sources.list")
    }

    fn status(&self) -> PathBuf {
        self.root.join("state/status")
    }

    /// A program of apt's that works in the cache.
    fn apt(&self, program: &str, folder: &str) -> Command {
        let mut apt = Command::new(program);
        let root = &self.root;
        let options = [
            ("Dir::Etc::SourceList", self.list()),
            ("Dir::Etc::SourceParts", PathBuf::from("-")),
            ("Dir::State", root.join("state")),
            ("Dir::State::Lists", root.join("lists")),
            ("Dir::State::status", self.status()),
            ("Dir::Cache", root.join("cache")),
            ("APT::Sandbox::User", PathBuf::from("root")),
        ];
        for (name, value) in options {
            apt.arg("-o").arg(format!("{name}={}", value.display()));
        }
        apt.args(["-o", "Acquire::Languages=none"]);
        if let Some(isa) = &self.isa {
            apt.arg("-o").arg(format!("APT::Architecture={isa}"));
            apt.arg("-o").arg(format!("APT::Architectures::={isa}"));
        }
        apt.env("LC_ALL", "C").current_dir(root.join(folder));
        apt
    }

    /// The newest version of a package that is as wanted.
    pub fn newest(
        &self,
        package: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, String> {
        let lines = run(
            self.apt("apt-cache", "state").args(["madison", package]),
            APT,
        )?;
        // `package | version | archive suite/component ISA Packages`
        let versions = lines.lines().filter_map(|line| line.split('|').nth(1));
        let wanted = versions.map(str::trim).filter(|version| wanted(version));
        let newest = wanted.reduce(|a, b| if newer(b, a) { b } else { a });
        Ok(newest.map(str::to_owned))
    }

    /// The names of packages that begin with something.
    pub fn names(&self, prefix: &str) -> Result<Vec<String>, String> {
        let mut list = self.apt("apt-cache", "state");
        let lines = run(list.args(["pkgnames", prefix]), APT)?;
        let mut names: Vec<String> = lines.lines().map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }

    /// A package as a file in the cache.
    pub fn fetch(&self, package: &str, version: &str) -> Result<PathBuf, String> {
        let wanted = format!("{package}={version}");
        // One line: 'URI' file-name size SHA256:digest. Asked where the file is not, since apt
        // is silent about files that are there already.
        let mut ask = self.apt("apt-get", "state");
        let line = run(ask.args(["-qq", "--print-uris", "download", &wanted]), APT)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, name, _, digest] = words[..] else {
            return Err(format!(
                "apt does not say where {package} of {} is: `{line}`",
                self.name
            ));
        };
        let deb = self.root.join("packages").join(name);
        let digest = digest.strip_prefix("SHA256:").unwrap_or(digest);
        let intact = || digest_file(&deb).is_ok_and(|found| found == digest);
        if !intact() {
            // apt does not replace a file that an interrupted run left behind.
            let _ = fs::remove_file(&deb);
            let mut download = self.apt("apt-get", "packages");
            run(download.args(["-qq", "download", &wanted]), APT)?;
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

    /// The newest version of a package, as a file in the cache.
    pub fn fetch_newest(&self, package: &str) -> Result<PathBuf, String> {
        match self.newest(package, |_| true)? {
            Some(version) => self.fetch(package, &version),
            None => Err(format!("{} has no package {package}", self.name)),
        }
    }
}

/// Whether a version is newer than another, as dpkg sees it.
pub(super) fn newer(one: &str, other: &str) -> bool {
    order(one).cmp(&order(other)) == Ordering::Greater
}

/// Numbers by value, what is between them as it is; `~` before the end of a version.
fn order(version: &str) -> Vec<(u8, u64)> {
    let mut parts = Vec::new();
    let mut rest = version;
    while let Some(c) = rest.chars().next() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if digits > 0 {
            parts.push((3, rest[..digits].parse().unwrap_or(u64::MAX)));
            rest = &rest[digits..];
        } else {
            parts.push(match c {
                '~' => (0, 0),
                c => (2, c.into()),
            });
            rest = &rest[c.len_utf8()..];
        }
    }
    parts.push((1, 0));
    parts
}

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
                 by {MIRROR}, or download the package `{PACKAGE}` by hand and name it \
                 (`facts --deb FILE`, `update --linux FILE`)"
            )
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_dpkg_does() {
        for (older, later) in [
            ("6.12.95-1~bpo12+1", "6.12.107-1"),
            ("7.2.12-1~bpo13+1", "7.2.12-1"),
            ("7.2.9-1", "7.2.12-1"),
            ("6.12.107-1", "6.12.107-1+b1"),
        ] {
            assert!(newer(later, older), "{later} {older}");
            assert!(!newer(older, later), "{older} {later}");
        }
        assert!(!newer("1.0", "1.0"));
    }
}
