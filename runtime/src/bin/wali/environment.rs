//! The guest's environment and name, put together from the command line.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use wali_runtime::host::Environment;

/// Options about the environment and the name.
#[derive(clap::Args)]
pub struct Options {
    /// Set a variable of the guest, or pass on the host's if there is no `=`
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,

    /// Set variables from a file of NAME=VALUE lines; empty lines and lines that begin
    /// with `#` do not count
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,

    /// Start from an empty environment instead of the host's
    #[arg(long)]
    clear_env: bool,

    /// The program's name as it sees it, argv[0], instead of the module's path
    #[arg(long, value_name = "NAME")]
    pub argv0: Option<OsString>,
}

/// Variables in order; the last of a name counts.
#[derive(Default)]
struct Variables(Vec<(Vec<u8>, Vec<u8>)>);

impl Variables {
    fn set(&mut self, name: &[u8], value: &[u8]) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, v)) => *v = value.to_vec(),
            None => self.0.push((name.to_vec(), value.to_vec())),
        }
    }
}

/// The guest's environment: the host's unless cleared, then the files, then single
/// variables. The interface has a line for each, so that a value with a line break cannot
/// be passed; such variables of the host are left out.
pub fn environment(args: &Options) -> Result<Environment, String> {
    let mut variables = Variables::default();
    if !args.clear_env {
        for (name, value) in std::env::vars_os() {
            if !has_line_break(&name) && !has_line_break(&value) {
                variables.set(name.as_bytes(), value.as_bytes());
            }
        }
    }
    for path in &args.env_file {
        let text = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        for (number, line) in text.split(|&b| b == b'\n').enumerate() {
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let (name, value) = split(line).ok_or_else(|| {
                let line = String::from_utf8_lossy(line).into_owned();
                format!(
                    "{}:{}: expected NAME=VALUE, found `{line}`",
                    path.display(),
                    number + 1
                )
            })?;
            variables.set(name, value);
        }
    }
    for variable in &args.env {
        if has_line_break(variable) {
            return Err("--env: a value with a line break cannot be passed to a guest".into());
        }
        match split(variable.as_bytes()) {
            Some((name, value)) => variables.set(name, value),
            None if variable.as_bytes().contains(&b'=') || variable.is_empty() => {
                return Err(format!("--env: `{}` has no name", variable.display()));
            }
            None => {
                if let Some(value) = std::env::var_os(variable) {
                    variables.set(variable.as_bytes(), &value.into_vec());
                }
            }
        }
    }
    let lines = variables
        .0
        .into_iter()
        .map(|(name, value)| [&name[..], b"=", &value].concat());
    Ok(Environment::Variables(lines.collect()))
}

fn has_line_break(text: &OsStr) -> bool {
    text.as_bytes().contains(&b'\n')
}

/// Name and value, if there are both an `=` and a name.
fn split(variable: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = variable
        .iter()
        .position(|&b| b == b'=')
        .filter(|&at| at > 0)?;
    Some((&variable[..at], &variable[at + 1..]))
}
