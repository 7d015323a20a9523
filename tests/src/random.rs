//! Random arguments for described calls: mostly what a program might pass, sometimes nonsense,
//! with what pointers lead to written into the guest's memory.

use wali_codegen::model::{
    Arg, ArgType, Call, Element, FieldType, Len, Pointee, Role, Spec, Struct,
};
use wali_runtime::host::abi::GuestMemory;

use crate::hostile::Variant;

/// Most arguments of a call.
pub const ARGS: usize = 6;

/// Where what each argument points to is put; pages apart.
const AREAS: u32 = 0x2_0000;
const AREA: u32 = 0x1_0000;

/// Lengths and numbers at which things change.
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    12,
    16,
    24,
    32,
    63,
    64,
    65,
    100,
    127,
    128,
    255,
    256,
    1023,
    1024,
    1025,
    4095,
    4096,
    4097,
    65535,
    65536,
    1 << 20,
    0x7fff_fff7,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_f000,
    0xffff_ffff,
    1 << 32,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// A small deterministic generator (xorshift), so that failures repeat.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed, 0 included.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.word() >> 11) % end
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// Makes arguments.
pub struct Generator<'a> {
    /// The specification.
    pub spec: &'a Spec,
    /// Where randomness comes from.
    pub random: Random,
    /// The guest's memory.
    pub memory: GuestMemory,
    /// How many bytes of it there are.
    pub size: u32,
    /// Descriptors that were open lately.
    pub descriptors: Vec<i32>,
    /// Names of files.
    pub paths: Vec<String>,
}

impl Generator<'_> {
    /// The words for a call, after writing what they point to.
    pub fn arguments(&mut self, variant: &Variant) -> [u64; ARGS] {
        let mut words = [0; ARGS];
        for (at, arg) in variant.call.args.iter().enumerate() {
            words[at] = if self.random.once_in(24) {
                self.number()
            } else {
                self.argument(&variant.call, arg, at)
            };
        }
        for (at, constant) in &variant.fixed {
            words[*at] = constant.guest as u64;
        }
        words
    }

    fn argument(&mut self, call: &Call, arg: &Arg, at: usize) -> u64 {
        match &arg.ty {
            ArgType::Value {
                flags: Some(set), ..
            } => self.constant(set),
            ArgType::Value { scalar, .. } => {
                if measures(call, arg) && !self.random.once_in(6) {
                    return self.random.below(40);
                }
                self.scalar(scalar)
            }
            ArgType::Unused { .. } => self.number(),
            ArgType::Pointer { to, nullable, .. } => {
                if self.random.once_in(if *nullable { 3 } else { 16 }) {
                    return 0;
                }
                if self.random.once_in(12) {
                    return self.address().into();
                }
                let place = self.place(AREAS + at as u32 * AREA);
                self.fill(place, to, 0);
                place.into()
            }
        }
    }

    /// An address with room behind it, or hardly any.
    fn place(&mut self, area: u32) -> u32 {
        match self.random.below(16) {
            0 => area + self.random.below(64) as u32,
            1 => area + AREA - self.random.below(64) as u32,
            2 => self.size.wrapping_sub(self.random.below(300) as u32),
            _ => area,
        }
    }

    /// Any address.
    fn address(&mut self) -> u32 {
        let random = self.random.word() as u32;
        match self.random.below(8) {
            0 => 0,
            1 => random,
            2 => self.size,
            3 => self.size.wrapping_sub(1),
            4 => u32::MAX - random % 4096,
            5 => 0x7fff_f000,
            _ => random % self.size / 4096 * 4096,
        }
    }

    fn number(&mut self) -> u64 {
        match self.random.below(8) {
            0 => self.random.word(),
            1 => u64::from(self.random.word() as u32),
            2 | 3 => self.random.below(70),
            4 => self.address().into(),
            _ => *self.random.pick(NUMBERS),
        }
    }

    fn constant(&mut self, set: &str) -> u64 {
        let set = &self.spec.flag_sets[set];
        if set.members.is_empty() || self.random.once_in(16) {
            return self.number();
        }
        if !set.bits {
            return self.random.pick(&set.members).guest as u64;
        }
        let mut all = 0;
        for _ in 0..self.random.below(4) {
            all |= self.random.pick(&set.members).guest as u64;
        }
        if self.random.once_in(16) {
            all |= 1 << self.random.below(64);
        }
        all
    }

    fn descriptor(&mut self) -> u64 {
        let value = match self.random.below(12) {
            0 => -1,
            1 => libc::AT_FDCWD,
            2 => self.random.word() as i32,
            3 | 4 => self.random.below(32) as i32,
            _ if self.descriptors.is_empty() => 3,
            _ => *self.random.pick(&self.descriptors),
        };
        value as u64
    }

    fn scalar(&mut self, name: &str) -> u64 {
        match self.spec.scalars[name].role {
            Role::Descriptor => self.descriptor(),
            Role::Address => self.address().into(),
            Role::Process => {
                let own = std::process::id();
                *self
                    .random
                    .pick(&[0, 0, 1, own.into(), u64::from(own) + 1, u64::MAX])
            }
            Role::User | Role::Group => *self.random.pick(&[0, 0, 1, 65534, 0xffff_ffff]),
            Role::Signal => self.random.below(67),
            Role::Mode => self.random.below(0o200000),
            Role::Clock => self.random.below(14),
            Role::Plain => self.number(),
        }
    }

    /// Writes what a pointer leads to. What is not accessible stays as it is.
    fn fill(&mut self, at: u32, to: &Pointee, depth: u32) {
        match to {
            Pointee::Bytes(_) => self.bytes(at),
            Pointee::String { .. } => {
                let mut path = self.random.pick(&self.paths).clone().into_bytes();
                path.push(0);
                let _ = self.memory.write(at, &path);
            }
            Pointee::Scalar(scalar) => self.store(at, scalar),
            Pointee::Struct(name) => self.structure(at, name, depth),
            Pointee::Array { of, count } => {
                let count = match count {
                    Len::Fixed(n) => *n,
                    Len::Arg(_) => self.random.below(10),
                };
                self.array(at, of, count.min(32), depth);
            }
        }
    }

    fn array(&mut self, at: u32, of: &Element, count: u64, depth: u32) {
        let size = match of {
            Element::Scalar(scalar) => u64::from(self.spec.scalars[scalar].guest.bits / 8),
            Element::Struct(name) => self.spec.structs[name].guest.size,
        };
        for i in 0..count {
            let at = at.wrapping_add((i * size) as u32);
            match of {
                Element::Scalar(scalar) => self.store(at, scalar),
                Element::Struct(name) => self.structure(at, name, depth),
            }
        }
    }

    fn bytes(&mut self, at: u32) {
        let mut bytes = [0; 64];
        match self.random.below(3) {
            0 => return,
            1 => {}
            _ => {
                for chunk in bytes.chunks_exact_mut(8) {
                    let word = match self.random.once_in(3) {
                        true => self.number(),
                        false => self.random.word(),
                    };
                    chunk.copy_from_slice(&word.to_le_bytes());
                }
            }
        }
        let _ = self.memory.write(at, &bytes);
    }

    fn store(&mut self, at: u32, scalar: &str) {
        let value = self.scalar(scalar).to_le_bytes();
        let size = usize::from(self.spec.scalars[scalar].guest.bits / 8);
        let _ = self.memory.write(at, &value[..size]);
    }

    fn structure(&mut self, at: u32, name: &str, depth: u32) {
        let layout: &Struct = &self.spec.structs[name];
        // Half of them are empty but for what leads on: kernels check for bits they do not know.
        let empty = self.random.once_in(2);
        if empty {
            let zeros = vec![0; layout.guest.size as usize];
            let _ = self.memory.write(at, &zeros);
        }
        for field in &layout.fields {
            let place = at.wrapping_add(field.guest.offset as u32);
            match &field.ty {
                FieldType::Scalar(scalar) => {
                    if !empty || self.random.once_in(4) {
                        self.store(place, scalar);
                    }
                }
                FieldType::Array { of, count } => {
                    if !empty {
                        self.array(place, &Element::Scalar(of.clone()), (*count).min(32), depth);
                    }
                }
                FieldType::Struct(inner) => self.structure(place, inner, depth),
                FieldType::Pointer { element, len, .. } => {
                    let target = match self.random.below(6) {
                        0 => self.address(),
                        _ => {
                            AREAS + AREA * (ARGS as u32 + depth) + self.random.below(9) as u32 * 512
                        }
                    };
                    let _ = self.memory.write(place, &target.to_le_bytes());
                    if let (Some(element), true) = (element, depth < 3) {
                        self.array(target, element, 4, depth + 1);
                    }
                    self.length(at, layout, len);
                }
            }
        }
    }

    /// A length that goes with a pointer in a struct, mostly small.
    fn length(&mut self, at: u32, layout: &Struct, name: &str) {
        let Some(field) = layout.fields.iter().find(|field| field.name == name) else {
            return;
        };
        let value = match self.random.once_in(6) {
            true => self.number(),
            false => self.random.below(40),
        };
        let size = field.guest.size.min(8) as usize;
        let place = at.wrapping_add(field.guest.offset as u32);
        let _ = self.memory.write(place, &value.to_le_bytes()[..size]);
    }
}

/// Whether an argument is the length or count of another.
fn measures(call: &Call, arg: &Arg) -> bool {
    call.args.iter().any(|other| {
        matches!(
            &other.ty,
            ArgType::Pointer {
                to: Pointee::Bytes(Len::Arg(name)) | Pointee::Array { count: Len::Arg(name), .. },
                ..
            } if *name == arg.name
        )
    })
}
