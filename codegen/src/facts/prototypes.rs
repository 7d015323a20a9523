//! Prototypes of calls, which the kernel's public headers do not have: from its
//! `include/linux/syscalls.h`, as Debian's `linux-headers-*-common` carries it, and from manual
//! pages for calls that are not there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::manual::Manual;
use super::package::{Headers, progress, unpack};
use super::suite::Suite;

/// The header, in the kernel's source.
const HEADER: &str = "include/linux/syscalls.h";

/// A call's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prototype {
    /// Types and names, in order.
    pub params: Vec<Param>,
    /// Who says so.
    pub origin: Origin,
}

/// Where a prototype stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// In the kernel's source.
    Kernel,
    /// On the call's manual page.
    Manual,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its type without `const`, qualifiers and asterisks, such as `struct xattr_args`.
    pub ty: String,
    /// Its name.
    pub name: String,
    /// How many asterisks it has.
    pub pointers: usize,
    /// Whether it points to what is not written.
    pub constant: bool,
}

/// All of a kernel's.
#[derive(Debug, Clone, Default)]
pub struct Prototypes(pub BTreeMap<String, Prototype>);

impl Prototypes {
    /// Those of the kernel that headers are of, if they come from a Debian suite.
    ///
    /// # Errors
    /// The suite cannot be reached.
    pub fn of(headers: &Headers) -> Result<Option<Prototypes>, String> {
        let Some(suite) = &headers.provenance.suite else {
            return Ok(None);
        };
        let version = &headers.provenance.version;
        let suite = Suite::open(suite)?;
        for package in suite.names("linux-headers-")? {
            if package.ends_with("-common") && suite.newest(&package, |v| v == version)?.is_some() {
                progress(&format!("fetching {package} {version} of {}", suite.name()));
                let unpacked = unpack(&suite.fetch(&package, version)?)?;
                let source = unpacked.path().join("usr/src").join(&package);
                return Prototypes::read(&source.join(HEADER)).map(Some);
            }
        }
        Ok(None)
    }

    /// Those in a file, or in a folder with the kernel's source.
    ///
    /// # Errors
    /// There is no such file, or no prototypes are in it.
    pub fn read(path: &Path) -> Result<Prototypes, String> {
        let file: PathBuf = match path.is_dir() {
            true => path.join(HEADER),
            false => path.to_path_buf(),
        };
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let prototypes = Prototypes::parse(&text);
        match prototypes.0.is_empty() {
            true => Err(format!(
                "{}: no `asmlinkage long sys_NAME(...)` found; `{HEADER}` of the kernel's source \
                 has them",
                file.display()
            )),
            false => Ok(prototypes),
        }
    }

    /// Adds those of calls that have none so far, as far as manual pages know them.
    ///
    /// # Errors
    /// A page cannot be read.
    pub fn add<'a>(
        &mut self,
        manual: &Manual,
        calls: impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        for call in calls
            .filter(|call| !self.0.contains_key(*call))
            .collect::<Vec<_>>()
        {
            if let Some(prototype) = manual.prototype(call)? {
                self.0.insert(call.clone(), prototype);
            }
        }
        Ok(())
    }

    /// Those in the text of the header.
    pub fn parse(text: &str) -> Prototypes {
        let mut found = BTreeMap::new();
        for part in text.split("asmlinkage long sys_").skip(1) {
            let Some((declaration, _)) = part.split_once(';') else {
                continue;
            };
            let Some((name, rest)) = declaration.split_once('(') else {
                continue;
            };
            let list = rest.rsplit_once(')').map_or(rest, |(list, _)| list);
            let params = match list.trim() {
                "void" | "" => Some(Vec::new()),
                list => list.split(',').map(param).collect(),
            };
            if let Some(params) = params {
                let prototype = Prototype {
                    params,
                    origin: Origin::Kernel,
                };
                found.entry(name.trim().to_owned()).or_insert(prototype);
            }
        }
        Prototypes(found)
    }
}

/// A parameter; none if it is nothing that has a name and a type.
pub(super) fn param(text: &str) -> Option<Param> {
    // An array is passed as a pointer.
    let (text, array) = match text.split_once('[') {
        Some((before, _)) => (before, 1),
        None => (text, 0),
    };
    let pointers = text.matches('*').count() + array;
    let text = text.replace('*', " ");
    if text.contains(['(', ')', '.']) {
        return None;
    }
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let constant = words.contains(&"const");
    words.retain(|word| !["const", "__user", "volatile", "restrict", "_Nullable"].contains(word));
    // A name is not given everywhere.
    let name = match words.len() {
        0 | 1 => return None,
        2 if words[0] == "struct" => return None,
        _ => words.pop()?.to_owned(),
    };
    Some(Param {
        ty: words.join(" "),
        name,
        pointers,
        constant,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_taken_apart() {
        let text = "asmlinkage long sys_setxattrat(int dfd, const char __user *path,\n\t\t\
            unsigned int at_flags, const struct xattr_args __user *args, size_t size);\n\
            asmlinkage long sys_yield(void);\nasmlinkage long sys_old(struct thing *);\n\
            long ksys_other(int fd);\n";
        let Prototypes(all) = Prototypes::parse(text);
        let names: Vec<&String> = all.keys().collect();
        assert_eq!(names, ["setxattrat", "yield"]);
        assert!(all["yield"].params.is_empty());
        let params: Vec<(&str, &str, usize, bool)> = all["setxattrat"]
            .params
            .iter()
            .map(|p| (p.ty.as_str(), p.name.as_str(), p.pointers, p.constant))
            .collect();
        let expected = [
            ("int", "dfd", 0, false),
            ("char", "path", 1, true),
            ("unsigned int", "at_flags", 0, false),
            ("struct xattr_args", "args", 1, true),
            ("size_t", "size", 0, false),
        ];
        assert_eq!(params, expected);
    }
}
