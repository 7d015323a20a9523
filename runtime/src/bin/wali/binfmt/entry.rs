//! What the kernel knows of a format: the line that registers it, and the file that tells of it.

/// What modules begin with: the magic, and the version, which is not that of components.
pub const MAGIC: &[u8] = b"\0asm\x01\0\0\0";

/// The name under which the command registers itself.
pub const NAME: &str = "wali";

/// The longest line that the kernel takes (`MAX_REGISTER_LENGTH` of fs/binfmt_misc.c, which is in
/// no header).
const MOST_BYTES: usize = 1920;

/// The line that has files with [`MAGIC`] run by a program.
///
/// # Errors
/// If the kernel could not take the line apart.
pub fn line(interpreter: &str, flags: &str) -> Result<String, String> {
    if interpreter.contains(|c: char| c.is_ascii_control()) {
        return Err(format!("the kernel takes no such path: {interpreter:?}"));
    }
    // The first character is the one between fields.
    let between = [':', '|', ',', ';', '!', '%', '~'];
    let between = between.into_iter().find(|&c| !interpreter.contains(c));
    let c = between.ok_or_else(|| format!("the kernel takes no such path: {interpreter:?}"))?;
    let magic: String = MAGIC.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let line = format!("{c}{NAME}{c}M{c}{c}{magic}{c}{c}{interpreter}{c}{flags}");
    match line.len() < MOST_BYTES {
        true => Ok(line),
        false => Err(format!("too long a path: {interpreter}")),
    }
}

/// An entry, as its file has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Whether it is in use.
    pub enabled: bool,
    /// The program that runs such files.
    pub interpreter: String,
    /// How it is run.
    pub flags: String,
    offset: usize,
    magic: Vec<u8>,
    mask: Option<Vec<u8>>,
}

impl Entry {
    /// Takes the text of its file apart.
    pub fn parse(text: &str) -> Entry {
        let mut entry = Entry::default();
        for line in text.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "enabled" => entry.enabled = true,
                "interpreter" => entry.interpreter = value.into(),
                "flags:" => entry.flags = value.into(),
                "offset" => entry.offset = value.parse().unwrap_or(usize::MAX),
                "magic" => entry.magic = bytes(value),
                "mask" => entry.mask = Some(bytes(value)),
                _ => {}
            }
        }
        entry
    }

    /// Whether the kernel would run a module by it.
    pub fn takes_modules(&self) -> bool {
        // What comes after the magic and version may be anything.
        let at = |i: usize| self.offset.checked_add(i).and_then(|i| MAGIC.get(i));
        let mask = |i: usize| self.mask.as_ref().and_then(|m| m.get(i)).unwrap_or(&0xff);
        let fits = |(i, byte): (usize, &u8)| at(i).is_none_or(|had| (had ^ byte) & mask(i) == 0);
        self.enabled
            && self.offset == 0
            && !self.magic.is_empty()
            && self.magic.iter().enumerate().all(fits)
    }
}

/// Bytes as the kernel prints them.
fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let text = pairs.map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    text.map_while(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_kernels_form() {
        let magic = r"\x00\x61\x73\x6d\x01\x00\x00\x00";
        let plain = format!(":wali:M::{magic}::/usr/bin/wali:PO");
        assert_eq!(line("/usr/bin/wali", "PO"), Ok(plain));
        let odd = format!("|wali|M||{magic}||/a:b/wali|PO");
        assert_eq!(line("/a:b/wali", "PO"), Ok(odd));
        assert!(line("/a\nb", "PO").is_err());
        assert!(line("/:|,;!%~", "PO").is_err());
        assert!(line(&"/x".repeat(1000), "PO").is_err());
    }

    #[test]
    fn entries_are_read_as_the_kernel_writes_them() {
        let text =
            "enabled\ninterpreter /opt/a b/wali\nflags: PO\noffset 0\nmagic 0061736d01000000\n";
        let entry = Entry::parse(text);
        assert_eq!(entry.interpreter, "/opt/a b/wali");
        assert_eq!(entry.flags, "PO");
        assert!(entry.enabled && entry.takes_modules());
        assert!(!Entry::parse(&text.replace("enabled", "disabled")).takes_modules());
        assert!(
            !Entry::parse("enabled\ninterpreter /x\nflags: \nextension .wasm\n").takes_modules()
        );
    }

    #[test]
    fn others_that_take_modules_are_known() {
        let entry = |rest: &str| Entry::parse(&format!("enabled\ninterpreter /x\nflags: \n{rest}"));
        assert!(entry("offset 0\nmagic 0061736d\n").takes_modules());
        assert!(entry("offset 0\nmagic ff61736d\nmask 00ffffff\n").takes_modules());
        assert!(entry("offset 0\nmagic 0061736d0100000000\n").takes_modules());
        assert!(!entry("offset 0\nmagic 7f454c46\n").takes_modules());
        assert!(!entry("offset 0\nmagic 0061736d0d000100\n").takes_modules());
        assert!(!entry("offset 4\nmagic 01000000\n").takes_modules());
    }
}
