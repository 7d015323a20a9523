//! Since when the kernel has a call.

use std::fmt;
use std::str::FromStr;

/// A release of Linux. What follows the third number, such as `-rc1`, does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(into = "String"),
    schemars(with = "String")
)]
pub struct Release(pub [u16; 3]);

impl FromStr for Release {
    type Err = ();

    /// Two numbers or three, with dots.
    fn from_str(text: &str) -> Result<Release, ()> {
        let mut numbers = [0; 3];
        let parts: Vec<&str> = text.split('.').collect();
        if !(2..=3).contains(&parts.len()) {
            return Err(());
        }
        for (number, part) in numbers.iter_mut().zip(parts) {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(());
            }
            *number = part.parse().map_err(|_| ())?;
        }
        Ok(Release(numbers))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}")?;
        match patch {
            0 => Ok(()),
            _ => write!(f, ".{patch}"),
        }
    }
}

#[cfg(feature = "json")]
impl From<Release> for String {
    fn from(release: Release) -> String {
        release.to_string()
    }
}

/// The first release with a call, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Since {
    /// This one.
    Exactly(Release),
    /// A later one than `after`, if that is known, and `by` or an earlier one.
    Between {
        /// A release without the call.
        after: Option<Release>,
        /// A release with it.
        by: Release,
    },
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Since::Exactly(release) => write!(f, "{release}"),
            Since::Between { after: None, by } => write!(f, "{by} or earlier"),
            Since::Between {
                after: Some(after),
                by,
            } => write!(f, "{by} or earlier, but not {after}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_numbers_with_dots() {
        for (text, numbers) in [
            ("5.9", [5, 9, 0]),
            ("2.6.28", [2, 6, 28]),
            ("6.12.107", [6, 12, 107]),
        ] {
            assert_eq!(text.parse(), Ok(Release(numbers)));
            assert_eq!(Release(numbers).to_string(), text);
        }
        for text in ["", "5", "5.", ".5", "5.9-rc1", "5.9.1.2", "5.-9", "5.99999"] {
            assert_eq!(text.parse::<Release>(), Err(()), "{text}");
        }
        assert!(Release([5, 10, 0]) > Release([5, 9, 14]));
    }
}
