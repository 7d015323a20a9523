//! A tracer on its way through execve, which keeps nothing of a process but its descriptors.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Instant;

use super::{Limits, Options, Selection, Tracer};
use crate::host::process::{high_duplicate, out_of_the_way};

impl Tracer {
    /// A descriptor that survives execve, and what [`Tracer::resume`] makes a tracer of.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub(in crate::host) fn leave(&self) -> io::Result<(OwnedFd, Vec<CString>)> {
        let out = high_duplicate(self.out.as_raw_fd(), false)?;
        let Options {
            calls,
            limits,
            times,
            durations,
            ids,
            answers,
        } = &self.options;
        // SAFETY: asks for a number.
        let thread = unsafe { libc::gettid() };
        let many = self.many.load(Ordering::Relaxed)
            || ![0, thread].contains(&self.first.load(Ordering::Relaxed));
        let flags = [*times, *durations, *ids, *answers, limits.verbose, many];
        let texts = [
            out.as_raw_fd().to_string(),
            limits.string.to_string(),
            flags.map(|flag| if flag { "1" } else { "0" }).concat(),
            calls.text().to_owned(),
        ];
        let texts = texts.into_iter().map(CString::new);
        Ok((out, texts.collect::<Result<_, _>>()?))
    }

    /// Goes on in place of a tracer that has left this behind; none if it is nothing of the kind.
    pub(in crate::host) fn resume(texts: &[CString]) -> Option<Tracer> {
        let [out, string, flags, calls] = texts else {
            return None;
        };
        let text = |text: &'_ CString| text.to_str().ok().map(str::to_owned);
        let (fd, string) = (text(out)?.parse().ok()?, text(string)?.parse().ok()?);
        let flags: Vec<bool> = flags.as_bytes().iter().map(|flag| *flag == b'1').collect();
        let [times, durations, ids, answers, verbose, many] = flags[..] else {
            return None;
        };
        let calls = Selection::parse(&text(calls)?).ok()?;
        // SAFETY: asks about a number.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            return None;
        }
        // SAFETY: the descriptor is there, and whoever left it leaves it to us.
        let out = out_of_the_way(unsafe { OwnedFd::from_raw_fd(fd) }).ok()?;
        Some(Tracer {
            out,
            options: Options {
                calls,
                limits: Limits { string, verbose },
                times,
                durations,
                ids,
                answers,
            },
            began: Instant::now(),
            last: AtomicU64::new(0),
            first: AtomicI32::new(0),
            many: AtomicBool::new(many),
        })
    }
}
