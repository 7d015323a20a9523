//! Looking things up by the names that people give.

use super::{Call, Spec};
use crate::diag::did_you_mean;

impl Spec {
    /// A call by its name in the kernel or by an import's.
    ///
    /// # Errors
    /// There is no such call; with the name that was probably meant.
    pub fn call(&self, name: &str) -> Result<&Call, String> {
        let by_import = || {
            let mut calls = self.calls.values();
            calls.find(|call| call.import == name || call.aliases.iter().any(|a| a == name))
        };
        if let Some(call) = self.calls.get(name).or_else(by_import) {
            return Ok(call);
        }
        let plain = name.strip_prefix("SYS_").unwrap_or(name);
        match did_you_mean(plain, self.calls.keys().map(String::as_str)) {
            Some(meant) => Err(format!("no call `{name}`; {meant}")),
            None => Err(format!(
                "no call `{name}`; `wali-codegen list` has all of them"
            )),
        }
    }

    /// The index of an ISA by its name.
    ///
    /// # Errors
    /// There is no such ISA; with the name that was probably meant.
    pub fn isa(&self, name: &str) -> Result<usize, String> {
        if let Some(index) = self.isas.iter().position(|isa| isa.name == name) {
            return Ok(index);
        }
        let names: Vec<&str> = self.isas.iter().map(|isa| isa.name.as_str()).collect();
        // The kernel has names of its own.
        let of_kernel = self.isas.iter().find(|isa| isa.uapi == name);
        let meant = match of_kernel {
            Some(isa) => Some(format!("did you mean `{}`?", isa.name)),
            None => did_you_mean(name, names.iter().copied()),
        };
        let meant = meant.unwrap_or_else(|| format!("the specification has {}", names.join(", ")));
        Err(format!("unknown ISA `{name}`; {meant}"))
    }
}
