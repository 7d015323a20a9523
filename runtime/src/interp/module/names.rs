//! The name section, read when somebody first asks for a name.

use std::ops::Range;

use wasmparser::{BinaryReader, Name, NameMap, NameSectionReader};

/// Where names are, by index; the text stays in the module's bytes.
#[derive(Debug, Default)]
pub(super) struct Names {
    funcs: Vec<(u32, Range<usize>)>,
    globals: Vec<(u32, Range<usize>)>,
    tags: Vec<(u32, Range<usize>)>,
}

impl Names {
    /// Reads the section at `range`. A malformed section is allowed: what was read until then
    /// counts.
    pub fn parse(bytes: &[u8], range: Range<usize>) -> Names {
        let mut names = Names::default();
        let start = bytes.as_ptr() as usize;
        let reader = BinaryReader::new(&bytes[range.clone()], range.start as u64);
        for name in NameSectionReader::new(reader) {
            match name {
                Ok(Name::Function(map)) => names.funcs = read(map, start),
                Ok(Name::Global(map)) => names.globals = read(map, start),
                Ok(Name::Tag(map)) => names.tags = read(map, start),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        names
    }

    pub fn func<'a>(&self, bytes: &'a [u8], index: u32) -> Option<&'a str> {
        find(bytes, &self.funcs, index)
    }

    pub fn tag<'a>(&self, bytes: &'a [u8], index: u32) -> Option<&'a str> {
        find(bytes, &self.tags, index)
    }

    pub fn global_index(&self, bytes: &[u8], name: &str) -> Option<u32> {
        let found = self
            .globals
            .iter()
            .find(|(_, range)| text(bytes, range) == Some(name))?;
        Some(found.0)
    }
}

fn find<'a>(bytes: &'a [u8], names: &[(u32, Range<usize>)], index: u32) -> Option<&'a str> {
    let at = names
        .binary_search_by_key(&index, |(index, _)| *index)
        .ok()?;
    text(bytes, &names[at].1)
}

fn text<'a>(bytes: &'a [u8], range: &Range<usize>) -> Option<&'a str> {
    std::str::from_utf8(&bytes[range.clone()]).ok()
}

fn read(map: NameMap<'_>, start: usize) -> Vec<(u32, Range<usize>)> {
    let mut names: Vec<_> = map
        .into_iter()
        .map_while(Result::ok)
        .map(|naming| {
            let at = naming.name.as_ptr() as usize - start;
            (naming.index, at..at + naming.name.len())
        })
        .collect();
    names.sort_by_key(|(index, _)| *index);
    names
}
