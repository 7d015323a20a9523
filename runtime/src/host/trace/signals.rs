//! Signals that come, and the ends of threads and processes, as strace writes them.
//!
//! What the kernel does without the runtime is not seen: default actions, signals that are ignored,
//! and the ends of processes by either.

use std::ffi::c_int;
use std::fmt::Write;

use wali_arch::flags::{child_codes, signal_codes, signals};
use wali_arch::layout::host;

use super::{Tracer, value};
use crate::host::bindings::metadata::sets;
use crate::host::signals::{Rest, Told, told};

impl Tracer {
    /// A signal whose handler begins, or that ends the process.
    pub fn signal(&self, info: &host::siginfo) {
        let text = format!("--- {} ---\n", describe(&told(info)));
        self.write(self.now(), &text);
    }

    /// The calling thread has ended with a status.
    pub fn exited(&self, status: c_int) {
        let text = format!("+++ exited with {} +++\n", status & 0xff);
        self.write(self.now(), &text);
    }

    /// The process ends by a signal.
    pub fn killed(&self, signal: c_int) {
        let mut text = String::from("+++ killed by ");
        value::signal(&mut text, signal.into());
        text.push_str(" +++\n");
        self.write(self.now(), &text);
    }
}

fn describe(told: &Told) -> String {
    let mut name = String::new();
    value::signal(&mut name, told.signal.into());
    let mut out = format!("{name} {{si_signo={name}, ");
    if told.error != 0 {
        let _ = write!(out, "si_errno={}, ", told.error);
    }
    out.push_str("si_code=");
    code(&mut out, &name, told);
    rest(&mut out, told);
    out.push('}');
    out
}

/// A code by its name. Names of codes that only one signal has begin with the signal's.
fn code(out: &mut String, signal: &str, told: &Told) {
    let wanted = i64::from(told.code);
    let general = sets::signal_codes.members;
    let prefix = match told.signal {
        signals::SIGCHLD => "CLD",
        signals::SIGPOLL => "POLL",
        _ => signal.strip_prefix("SIG").unwrap_or(signal),
    };
    let own = [&sets::fault_codes, &sets::child_codes, &sets::poll_codes];
    let own = own.iter().flat_map(|set| set.members).filter(|(name, _)| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('_'))
    });
    let mut all = general.iter().chain(own);
    let _ = match all.find(|(_, value)| *value == wanted) {
        Some((name, _)) => out.write_str(name),
        None => write!(out, "{:#x}", told.code),
    };
}

fn rest(out: &mut String, told: &Told) {
    let _ = match &told.rest {
        // The kernel itself is nobody.
        Rest::Kill(sent)
            if told.code == signal_codes::SI_KERNEL && sent._pid == 0 && sent._uid == 0 =>
        {
            Ok(())
        }
        Rest::Kill(sent) => write!(out, ", si_pid={}, si_uid={}", { sent._pid }, { sent._uid }),
        Rest::Timer(timer) => {
            out.push_str(", si_timerid=");
            let _ = match timer._tid {
                0 => out.write_str("0"),
                id => write!(out, "{id:#x}"),
            };
            let _ = write!(out, ", si_overrun={}", { timer._overrun });
            with_value(out, timer._sigval)
        }
        Rest::Queue(sent) => {
            let _ = write!(out, ", si_pid={}, si_uid={}", { sent._pid }, { sent._uid });
            match sent._sigval {
                0 => Ok(()),
                value => with_value(out, value),
            }
        }
        Rest::Child(child) => {
            let _ = write!(out, ", si_pid={}, si_uid={}, si_status=", { child._pid }, {
                child._uid
            });
            match told.code {
                child_codes::CLD_EXITED => drop(write!(out, "{}", { child._status })),
                _ => value::signal(out, child._status.into()),
            }
            write!(out, ", si_utime={}, si_stime={}", { child._utime }, {
                child._stime
            })
        }
        Rest::Fault(fault) => {
            out.push_str(", si_addr=");
            value::address(out, fault._addr.into());
            Ok(())
        }
        Rest::Poll(poll) => write!(out, ", si_band={}, si_fd={}", { poll._band }, { poll._fd }),
        Rest::Sys(call) => write!(out, ", si_syscall={}", { call._syscall }),
    };
}

fn with_value(out: &mut String, value: u32) -> std::fmt::Result {
    write!(out, ", si_int={}, si_ptr=", value as i32)?;
    value::address(out, value.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::signals::of_fault;
    use wali_arch::flags::fault_codes;

    #[test]
    fn faults_are_named() {
        let line = |signal, code, at| describe(&told(&of_fault(signal, code, at)));
        assert_eq!(
            line(signals::SIGSEGV, fault_codes::SEGV_MAPERR, 0x20),
            "SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x20}"
        );
        assert_eq!(
            line(signals::SIGFPE, fault_codes::FPE_INTDIV, 0),
            "SIGFPE {si_signo=SIGFPE, si_code=FPE_INTDIV, si_addr=NULL}"
        );
        assert_eq!(
            line(signals::SIGBUS, fault_codes::BUS_ADRERR, 5),
            "SIGBUS {si_signo=SIGBUS, si_code=BUS_ADRERR, si_addr=0x5}"
        );
    }
}
