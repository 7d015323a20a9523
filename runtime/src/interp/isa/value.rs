//! Values as frame slots and as operands inside instructions.

use super::super::context::Acc;
use super::super::trap::Exit;

/// A type that a 64-bit slot can hold. 32-bit values are stored zero-extended, and only
/// their low half is read.
pub(crate) trait Slot: Copy {
    fn from_slot(slot: u64) -> Self;
    fn to_slot(self) -> u64;
    /// From the 32 bits that an instruction has room for beside its slots.
    fn from_imm32(bits: u32) -> Self;
    /// From the accumulator for such values.
    fn from_acc(acc: Acc) -> Self;
    /// The accumulators with this value.
    fn to_acc(self, acc: Acc) -> Acc;
}

/// The 32 bits that stand for the constant `slot` of a type, if they can.
pub(crate) fn imm32(class: Class, slot: u64) -> Option<u32> {
    match class {
        Class::I32 | Class::F32 => Some(slot as u32),
        Class::I64 => (slot as i64 == i64::from(slot as i32)).then_some(slot as u32),
        // Constants such as 0.5 are exact as 32-bit floats; the bits are compared, which
        // leaves NaNs out.
        Class::F64 => {
            let narrow = f64::from_bits(slot) as f32;
            (f64::from(narrow).to_bits() == slot && !narrow.is_nan()).then_some(narrow.to_bits())
        }
    }
}

/// What kind of number an operation works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    I32,
    I64,
    F32,
    F64,
}

/// An accumulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bank {
    Int,
    Single,
    Double,
}

impl Class {
    /// The accumulator for such numbers.
    pub fn bank(self) -> Bank {
        match self {
            Class::I32 | Class::I64 => Bank::Int,
            Class::F32 => Bank::Single,
            Class::F64 => Bank::Double,
        }
    }
}

/// A [`Slot`] type that operations take.
pub(crate) trait Operand: Slot {
    const CLASS: Class;
}

macro_rules! integers {
    ($($ty:ty, $bits:ty, $imm:ty, $class:ident;)*) => { $(
        impl Slot for $ty {
            #[inline(always)]
            fn from_slot(slot: u64) -> Self {
                slot as $ty
            }
            #[inline(always)]
            fn to_slot(self) -> u64 {
                u64::from(self as $bits)
            }
            #[inline(always)]
            fn from_imm32(bits: u32) -> Self {
                bits as $imm as $ty
            }
            #[inline(always)]
            fn from_acc(acc: Acc) -> Self {
                acc.int as $ty
            }
            #[inline(always)]
            fn to_acc(self, acc: Acc) -> Acc {
                Acc { int: self.to_slot(), ..acc }
            }
        }
        impl Operand for $ty {
            const CLASS: Class = Class::$class;
        }
    )* };
}

integers! {
    u32, u32, u32, I32;
    i32, u32, u32, I32;
    u64, u64, i32, I64;
    i64, u64, i32, I64;
}

impl Slot for f32 {
    #[inline(always)]
    fn from_slot(slot: u64) -> Self {
        f32::from_bits(slot as u32)
    }
    #[inline(always)]
    fn to_slot(self) -> u64 {
        u64::from(self.to_bits())
    }
    #[inline(always)]
    fn from_imm32(bits: u32) -> Self {
        f32::from_bits(bits)
    }
    #[inline(always)]
    fn from_acc(acc: Acc) -> Self {
        acc.single
    }
    #[inline(always)]
    fn to_acc(self, acc: Acc) -> Acc {
        Acc {
            single: self,
            ..acc
        }
    }
}

impl Operand for f32 {
    const CLASS: Class = Class::F32;
}

impl Slot for f64 {
    #[inline(always)]
    fn from_slot(slot: u64) -> Self {
        f64::from_bits(slot)
    }
    #[inline(always)]
    fn to_slot(self) -> u64 {
        self.to_bits()
    }
    #[inline(always)]
    fn from_imm32(bits: u32) -> Self {
        f64::from(f32::from_bits(bits))
    }
    #[inline(always)]
    fn from_acc(acc: Acc) -> Self {
        acc.double
    }
    #[inline(always)]
    fn to_acc(self, acc: Acc) -> Acc {
        Acc {
            double: self,
            ..acc
        }
    }
}

impl Operand for f64 {
    const CLASS: Class = Class::F64;
}

impl Slot for bool {
    #[inline(always)]
    fn from_slot(slot: u64) -> Self {
        slot as u32 != 0
    }
    #[inline(always)]
    fn to_slot(self) -> u64 {
        u64::from(self)
    }
    #[inline(always)]
    fn from_imm32(bits: u32) -> Self {
        bits != 0
    }
    #[inline(always)]
    fn from_acc(acc: Acc) -> Self {
        acc.int as u32 != 0
    }
    #[inline(always)]
    fn to_acc(self, acc: Acc) -> Acc {
        Acc {
            int: self.to_slot(),
            ..acc
        }
    }
}

/// What the computation of an operation may yield: a value, or a value unless it traps.
pub(crate) trait Outcome<T> {
    fn outcome(self) -> Result<T, Exit>;
}

impl<T> Outcome<T> for T {
    #[inline(always)]
    fn outcome(self) -> Result<T, Exit> {
        Ok(self)
    }
}

impl<T> Outcome<T> for Result<T, Exit> {
    #[inline(always)]
    fn outcome(self) -> Result<T, Exit> {
        self
    }
}

/// An operation on two values of one type.
pub(crate) trait Binary {
    type In: Operand;
    type Out: Slot;
    fn apply(a: Self::In, b: Self::In) -> Result<Self::Out, Exit>;
}

/// An operation on one value.
pub(crate) trait Unary {
    type In: Slot;
    type Out: Slot;
    fn apply(a: Self::In) -> Result<Self::Out, Exit>;
}
