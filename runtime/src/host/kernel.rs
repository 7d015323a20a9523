//! The kernel under the runtime: its release, and what came later than that.

use std::ffi::CStr;
use std::fmt;
use std::mem::MaybeUninit;

use super::meta::{Release, Since};

/// The oldest release that tests are run as. Older ones are not refused: what the runtime cannot do
/// without is there since 3.17.
pub const OLDEST: Release = Release([5, 10, 0]);

/// Whether a kernel has a call, by its release alone: what its configuration, a container's filter
/// or an emulator leaves out does not show in that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is as new as the call, or newer.
    Here,
    /// It is older.
    Lacking,
    /// When the call came is not known so exactly.
    Unknown,
}

impl Release {
    /// The release that a text begins with, such as `6.1.0-18-amd64`.
    pub fn of(text: &str) -> Option<Release> {
        let number = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let mut numbers = [0; 3];
        let mut parts = text[..number.unwrap_or(text.len())].split('.');
        numbers[0] = parts.next()?.parse().ok()?;
        numbers[1] = parts.next()?.parse().ok()?;
        if let Some(third) = parts.next().filter(|third| !third.is_empty()) {
            numbers[2] = third.parse().ok()?;
        }
        Some(Release(numbers))
    }

    /// The one that brought what this one has: since Linux 3.0 the third number counts mendings.
    fn series(self) -> Release {
        let [major, minor, third] = self.0;
        Release([major, minor, if major < 3 { third } else { 0 }])
    }

    /// Whether this kernel has what came then.
    pub fn has(self, since: Since) -> Presence {
        let series = self.series();
        let (after, by) = match since {
            Since::Exactly(first) if series < first => return Presence::Lacking,
            Since::Exactly(_) => return Presence::Here,
            Since::Between { after, by } => (after, by),
        };
        match after {
            _ if series >= by => Presence::Here,
            Some(after) if series <= after => Presence::Lacking,
            _ => Presence::Unknown,
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, third] = self.0;
        write!(f, "{major}.{minor}")?;
        match third {
            0 => Ok(()),
            _ => write!(f, ".{third}"),
        }
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Since::Exactly(first) => write!(f, "{first}"),
            Since::Between { after: None, by } => write!(f, "{by} or earlier"),
            Since::Between {
                after: Some(after),
                by,
            } => write!(f, "{by} or earlier, but not {after}"),
        }
    }
}

/// The release that this kernel says it is.
pub fn release() -> Option<Release> {
    let mut names = MaybeUninit::<libc::utsname>::uninit();
    // SAFETY: the kernel fills the local in if it returns 0, with C strings.
    let release = unsafe {
        if libc::uname(names.as_mut_ptr()) != 0 {
            return None;
        }
        let names = names.assume_init_ref();
        CStr::from_ptr(names.release.as_ptr())
            .to_str()
            .ok()?
            .to_owned()
    };
    Release::of(&release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_as_kernels_write_them() {
        for (text, numbers) in [
            ("6.1.0-18-amd64", [6, 1, 0]),
            ("6.18.44-fc-v669", [6, 18, 44]),
            ("5.10", [5, 10, 0]),
            ("7.0-rc3", [7, 0, 0]),
            ("4.14.336.bsk", [4, 14, 336]),
            ("2.6.78", [2, 6, 78]),
        ] {
            assert_eq!(Release::of(text), Some(Release(numbers)), "{text}");
        }
        for text in ["", "6", "linux", "6.x", "-1.2", "99999999.1"] {
            assert_eq!(Release::of(text), None, "{text}");
        }
        assert!(release().is_some());
    }

    #[test]
    fn mendings_bring_no_calls() {
        let at = |text| Release::of(text).unwrap();
        let exactly = Since::Exactly(at("5.9"));
        assert_eq!(at("5.8.18").has(exactly), Presence::Lacking);
        assert_eq!(at("5.9").has(exactly), Presence::Here);
        let old = Since::Exactly(at("2.6.28"));
        assert_eq!(at("2.6.27").has(old), Presence::Lacking);
        assert_eq!(at("2.6.28").has(old), Presence::Here);
        let between = Since::Between {
            after: Some(at("6.1")),
            by: at("6.12"),
        };
        assert_eq!(at("6.1.176").has(between), Presence::Lacking);
        assert_eq!(at("6.6.1").has(between), Presence::Unknown);
        assert_eq!(at("6.12.1").has(between), Presence::Here);
        let by = Since::Between {
            after: None,
            by: at("6.12"),
        };
        assert_eq!(at("4.4").has(by), Presence::Unknown);
    }
}
