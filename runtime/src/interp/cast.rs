//! Calls of functions by another type than their own, as C programs make them natively.
//!
//! What callee and caller see is what they would on x86-64: arguments and results travel in
//! registers, those for integers apart from those for floats, or on the stack. What the caller
//! does not pass is zero here; what the callee does not take is lost. A register's upper half is
//! zero when its lower half is written.

use super::types::{FuncType, ValType};

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nowhere: it is zero.
    Zero,
    /// As it is, from the value of this index.
    Whole(usize),
    /// The lower half of the value of this index.
    Low32(usize),
}

impl Source {
    fn of(self, values: &[u64]) -> u64 {
        match self {
            Source::Zero => 0,
            Source::Whole(index) => values[index],
            Source::Low32(index) => u64::from(values[index] as u32),
        }
    }
}

/// Where a value travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Integer(usize),
    Float(usize),
    Stack(usize),
}

/// Registers for integers and floats among arguments, and among results.
const ARGUMENTS: (usize, usize) = (6, 8);
const RESULTS: (usize, usize) = (2, 2);

fn ways(types: &[ValType], (integers, floats): (usize, usize)) -> Option<Vec<Way>> {
    let (mut used_integers, mut used_floats, mut used_stack) = (0, 0, 0);
    let mut next = |counter: &mut usize, most: usize, way: fn(usize) -> Way| {
        let (counter, way) = match *counter < most {
            true => (counter, way),
            false => (&mut used_stack, Way::Stack as fn(usize) -> Way),
        };
        *counter += 1;
        way(*counter - 1)
    };
    let way = |ty: &ValType| match ty {
        ValType::I32 | ValType::I64 => Some(next(&mut used_integers, integers, Way::Integer)),
        ValType::F32 | ValType::F64 => Some(next(&mut used_floats, floats, Way::Float)),
        ValType::V128 | ValType::FuncRef | ValType::ExternRef | ValType::ExnRef => None,
    };
    types.iter().map(way).collect()
}

fn narrow(ty: ValType) -> bool {
    matches!(ty, ValType::I32 | ValType::F32)
}

fn sources(from: &[ValType], to: &[ValType], registers: (usize, usize)) -> Option<Vec<Source>> {
    let (given, wanted) = (ways(from, registers)?, ways(to, registers)?);
    let source = |(way, ty): (&Way, &ValType)| match given.iter().position(|g| g == way) {
        None => Source::Zero,
        Some(index) if narrow(from[index]) == narrow(*ty) => Source::Whole(index),
        Some(index) => Source::Low32(index),
    };
    Some(wanted.iter().zip(to).map(source).collect())
}

/// How a function of one type is called by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cast {
    /// Where the callee's arguments come from among the caller's.
    pub arguments: Vec<Source>,
    /// Where the caller's results come from among the callee's.
    pub results: Vec<Source>,
}

impl Cast {
    /// None for types with references, which are not C's.
    pub fn new(caller: &FuncType, callee: &FuncType) -> Option<Cast> {
        Some(Cast {
            arguments: sources(&caller.params, &callee.params, ARGUMENTS)?,
            results: sources(&callee.results, &caller.results, RESULTS)?,
        })
    }

    /// The callee's arguments, with room for its results.
    pub fn arguments(&self, slots: &[u64], callee: &FuncType) -> Vec<u64> {
        let mut arguments: Vec<u64> = self.arguments.iter().map(|s| s.of(slots)).collect();
        arguments.resize(callee.slots(), 0);
        arguments
    }

    /// Puts the caller's results in place.
    pub fn results(&self, from: &[u64], slots: &mut [u64]) {
        for (slot, source) in slots.iter_mut().zip(&self.results) {
            *slot = source.of(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ValType::{F32, F64, FuncRef, I32, I64};

    fn cast(caller: (&[ValType], &[ValType]), callee: (&[ValType], &[ValType])) -> Option<Cast> {
        Cast::new(
            &FuncType::new(caller.0, caller.1),
            &FuncType::new(callee.0, callee.1),
        )
    }

    #[test]
    fn integers_and_floats_travel_apart() {
        let cast = cast(
            (&[I32, F64, I64], &[I64]),
            (&[F64, I64, I32, I32], &[F32, I32]),
        );
        let cast = cast.unwrap();
        let wanted = [
            Source::Whole(1),
            Source::Low32(0),
            Source::Low32(2),
            Source::Zero,
        ];
        assert_eq!(cast.arguments, wanted);
        assert_eq!(cast.results, [Source::Low32(1)]);
        let callee = FuncType::new([F64, I64, I32, I32], [F32, I32]);
        let arguments = cast.arguments(&[7, 8, u64::MAX], &callee);
        assert_eq!(arguments, [8, 7, u64::from(u32::MAX), 0]);
        let mut slots = [1; 3];
        cast.results(&[5, 9], &mut slots);
        assert_eq!(slots, [9, 1, 1]);
    }

    #[test]
    fn what_has_no_register_is_on_the_stack() {
        let many = [I64, I64, I64, I64, I64, I64, I64, F64];
        let more = [I32, I32, I32, I32, I32, I32, F32, I32];
        let cast = cast((&many, &[]), (&more, &[I32])).unwrap();
        // The seventh integer is the first on the stack, and floats have registers yet.
        assert_eq!(cast.arguments[5], Source::Low32(5));
        assert_eq!(cast.arguments[6], Source::Low32(7));
        assert_eq!(cast.arguments[7], Source::Low32(6));
        assert_eq!(cast.results, []);
    }

    #[test]
    fn missing_results_are_zero_and_references_are_refused() {
        let missing = cast((&[], &[I32]), (&[], &[])).unwrap();
        assert_eq!(missing.results, [Source::Zero]);
        let other = cast((&[], &[I32]), (&[], &[F64])).unwrap();
        assert_eq!(other.results, [Source::Zero]);
        assert!(cast((&[FuncRef], &[]), (&[], &[])).is_none());
    }
}
