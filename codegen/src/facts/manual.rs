//! Manual pages of calls, section 2: Debian's newest, or those in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::package::{run, unpack};
use super::prototypes::{Origin, Prototype, param};
use super::suite::Suite;

/// The pages, the newest there are: more calls are in them with every release.
pub(super) const PACKAGE: (&str, &str) = ("manpages-dev", "sid");

const GZIP: &str = "manual pages are packed with gzip: install it";

/// Pages of section 2.
#[derive(Debug)]
pub struct Manual {
    folder: PathBuf,
    /// The package, and where it was unpacked to, if it was one.
    package: Option<(PathBuf, TempDir)>,
}

impl Manual {
    /// Debian's newest, fetched into the cache.
    ///
    /// # Errors
    /// They cannot be had.
    pub fn newest() -> Result<Manual, String> {
        let package = Suite::open(PACKAGE.1)?.fetch_newest(PACKAGE.0)?;
        let unpacked = unpack(&package)?;
        Ok(Manual {
            folder: unpacked.path().join("usr/share/man/man2"),
            package: Some((package, unpacked)),
        })
    }

    /// Those in a folder `man2`, or in one that has such a folder.
    ///
    /// # Errors
    /// There are none.
    pub fn in_folder(path: &Path) -> Result<Manual, String> {
        let below = path.join("man2");
        let folder = if below.is_dir() { below } else { path.into() };
        let is_page = |entry: fs::DirEntry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.ends_with(".2") || name.ends_with(".2.gz")
        };
        let mut entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", path.display()))?;
        match entries.any(|entry| entry.is_ok_and(is_page)) {
            true => Ok(Manual {
                folder,
                package: None,
            }),
            false => Err(format!(
                "{}: no manual page such as `man2/read.2`",
                path.display()
            )),
        }
    }

    /// The package they came in.
    pub(super) fn package(&self) -> Option<&Path> {
        self.package.as_ref().map(|(file, _)| file.as_path())
    }

    /// The text of a page, if there is one.
    pub(super) fn page(&self, name: &str) -> Result<Option<String>, String> {
        let path = self.folder.join(format!("{name}.2"));
        let packed = self.folder.join(format!("{name}.2.gz"));
        let text = if path.exists() {
            fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?
        } else if packed.exists() {
            run(Command::new("gzip").arg("-dc").arg(&packed), GZIP)?
        } else {
            return Ok(None);
        };
        match text.trim().strip_prefix(".so man2/") {
            Some(other) if other != format!("{name}.2") => self.page(other.trim_end_matches(".2")),
            Some(_) => Ok(None),
            None => Ok(Some(text)),
        }
    }

    /// The prototype of a call on its page, if that has one.
    ///
    /// # Errors
    /// The page cannot be read.
    pub fn prototype(&self, call: &str) -> Result<Option<Prototype>, String> {
        let page = self.page(call)?;
        Ok(page.and_then(|text| prototype(&text, call)))
    }
}

/// The prototype in the synopsis of a page: that for syscall(2) if there is one, since others are
/// the C library's.
fn prototype(page: &str, call: &str) -> Option<Prototype> {
    let (_, synopsis) = page.split_once("\n.SH SYNOPSIS\n")?;
    let synopsis = synopsis.split("\n.SH ").next()?;
    let text: String = synopsis.lines().map(|line| plain(line) + " ").collect();
    let text = without_comments(&text);
    let raw = after_word(&text, &format!("SYS_{call}"));
    let rest = match raw {
        Some(rest) => rest.strip_prefix(',').unwrap_or(rest),
        None => after_word(&text, call)?.trim_start().strip_prefix('(')?,
    };
    let list = &rest[..rest.find([')', ';'])?];
    let params = match list.trim() {
        "" | "void" => Some(Vec::new()),
        list => list.split(',').map(param).collect(),
    };
    Some(Prototype {
        params: params?,
        origin: Origin::Manual,
    })
}

/// What follows a name that stands alone.
fn after_word<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let found = text.match_indices(name).find(|(at, _)| {
        let after = text[at + name.len()..].trim_start();
        let called = after.starts_with(['(', ',', ')']);
        !text[..*at].ends_with(word) && called && !text[at + name.len()..].starts_with(word)
    });
    found.map(|(at, _)| text[at + name.len()..].trim_start())
}

/// A line without the macro before it, which sets its words in fonts in turn and leaves out what is
/// between them.
fn plain(line: &str) -> String {
    let line = line.split("\\\"").next().unwrap_or_default();
    let Some(rest) = line.strip_prefix('.') else {
        return line.to_owned();
    };
    let (request, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if !request.chars().all(|c| ['B', 'I', 'R'].contains(&c)) {
        return String::new();
    }
    if request.len() == 1 {
        return rest.replace('"', "");
    }
    let (mut out, mut quoted) = (String::new(), false);
    for c in rest.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => {}
            c => out.push(c),
        }
    }
    out
}

fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A parameter as C has it.
    fn shown(prototype: &Prototype) -> Vec<String> {
        let params = prototype.params.iter();
        let c = params.map(|p| {
            let constant = if p.constant { "const " } else { "" };
            format!("{constant}{} {}{}", p.ty, "*".repeat(p.pointers), p.name)
        });
        c.collect()
    }

    #[test]
    fn a_synopsis_is_taken_apart() {
        let page = ".TH x 2\n.SH NAME\nx \\- x(int wrong)\n.SH SYNOPSIS\n.nf\n\
            .BR \"#include <sys/syscall.h>\" \"    /* Definition of \" SYS_* \" constants */\"\n\
            .B #include <unistd.h>\n.P\n\
            .BI \"long syscall(SYS_openat2, int \" dirfd \", const char *\" path ,\n\
            .BI \"             struct open_how *_Nullable \" how \", size_t \" size );\n\
            .BI \"int both(const char *restrict \" path \", int \" fds [2],\n\
            .BI \"         const struct timespec \" times \"[_Nullable 2], unsigned int \" flags );\n\
            .B int none(void);\n.B pid_t more(int fd, ...);\n\
            .BI \"int handler(void (*\" f \")(int), int \" sig );\n\
            .B int syscall(SYS_bare);\n.fi\n.SH DESCRIPTION\n.BI \"int late(int \" a );\n";
        for (call, expected) in [
            (
                "openat2",
                Some(
                    &[
                        "int dirfd",
                        "const char *path",
                        "struct open_how *how",
                        "size_t size",
                    ][..],
                ),
            ),
            (
                "both",
                Some(&[
                    "const char *path",
                    "int *fds",
                    "const struct timespec *times",
                    "unsigned int flags",
                ]),
            ),
            ("none", Some(&[])),
            ("bare", Some(&[])),
            ("more", None),
            ("handler", None),
            ("late", None),
            ("openat", None),
            ("x", None),
        ] {
            let found = prototype(page, call).map(|p| shown(&p));
            let expected = expected.map(|e| e.iter().map(|s| (*s).to_owned()).collect());
            assert_eq!(found, expected, "{call}");
        }
    }

    #[test]
    fn pages_lead_to_others_and_not_in_circles() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Manual::in_folder(folder.path()).is_err_and(|e| e.contains("no manual page")));
        let put = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("a page");
        };
        put("one.2", ".so man2/two.2\n");
        put("two.2", ".SH SYNOPSIS\n.B int one(int fd);\n.SH END\n");
        put("self.2", ".so man2/self.2\n");
        let manual = Manual::in_folder(folder.path()).expect("pages");
        let params = |call| {
            manual
                .prototype(call)
                .expect("a page")
                .map(|p| p.params.len())
        };
        assert_eq!(params("one"), None, "the section has to follow a line");
        put(
            "two.2",
            ".TH two 2\n.SH SYNOPSIS\n.B int one(int fd);\n.SH END\n",
        );
        assert_eq!(params("one"), Some(1));
        assert_eq!(params("self"), None);
        assert_eq!(params("absent"), None);
    }
}
