//! Arithmetic, comparisons and the branches by them, generic over where operands are.

use super::super::context::{Acc, Context, Handler, dispatch, stop};
use super::super::isa::value::{Binary, Unary};
use super::super::isa::{BinaryForm, CompareForm, Edge, Input, Output, PairForm};
use super::control::safepoint;
use super::{
    BACK, InAcc, InImm16, InImm32, InSlot, InWide, ONWARDS, Source, Target, ToAcc, ToSlot, target,
};

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

unsafe extern "C" fn binary<O: Binary, A: Source, B: Source, T: Target>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        match O::apply(A::read(ip, sp, acc), B::read(ip, sp, acc)) {
            Ok(value) => {
                let acc = T::write(ip, sp, acc, value);
                dispatch(cx, ip.add(larger(A::WORDS, B::WORDS)), sp, mem, acc)
            }
            Err(exit) => stop(cx, ip, sp, exit, acc),
        }
    }
}

unsafe extern "C" fn unary<O: Unary, A: Source, T: Target>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        match O::apply(A::read(ip, sp, acc)) {
            Ok(value) => {
                let acc = T::write(ip, sp, acc, value);
                dispatch(cx, ip.add(2), sp, mem, acc)
            }
            Err(exit) => stop(cx, ip, sp, exit, acc),
        }
    }
}

unsafe extern "C" fn branch<O: Binary<Out = bool>, A: Source, B: Source, const BACK: bool>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        match O::apply(A::read(ip, sp, acc), B::read(ip, sp, acc)) {
            Ok(false) => dispatch(cx, ip.add(B::WORDS), sp, mem, acc),
            Ok(true) => {
                if BACK && Context::interrupted(cx) {
                    return safepoint(cx, ip, sp, mem, int, single, double);
                }
                dispatch(cx, target(ip, 2), sp, mem, acc)
            }
            Err(exit) => stop(cx, ip, sp, exit, acc),
        }
    }
}

pub(crate) const fn binary_handler<O: Binary>((form, output): (BinaryForm, Output)) -> Handler {
    match output {
        Output::Slot => binary_to::<O, ToSlot>(form),
        Output::Acc => binary_to::<O, ToAcc>(form),
    }
}

const fn binary_to<O: Binary, T: Target>(form: BinaryForm) -> Handler {
    match form {
        BinaryForm::Slots => binary::<O, InSlot<1>, InSlot<2>, T>,
        BinaryForm::AccSlot => binary::<O, InAcc, InSlot<2>, T>,
        BinaryForm::SlotAcc => binary::<O, InSlot<1>, InAcc, T>,
        BinaryForm::Imm => binary::<O, InSlot<1>, InImm32, T>,
        BinaryForm::AccImm => binary::<O, InAcc, InImm32, T>,
        BinaryForm::Wide => binary::<O, InSlot<1>, InWide, T>,
        BinaryForm::AccWide => binary::<O, InAcc, InWide, T>,
        BinaryForm::ImmLeft => binary::<O, InImm32, InSlot<1>, T>,
        BinaryForm::WideLeft => binary::<O, InWide, InSlot<1>, T>,
    }
}

pub(crate) const fn unary_handler<O: Unary>(input: Input, output: Output) -> Handler {
    match (input, output) {
        (Input::Slot, Output::Slot) => unary::<O, InSlot<1>, ToSlot>,
        (Input::Acc, Output::Slot) => unary::<O, InAcc, ToSlot>,
        (Input::Slot, Output::Acc) => unary::<O, InSlot<1>, ToAcc>,
        (Input::Acc, Output::Acc) => unary::<O, InAcc, ToAcc>,
    }
}

pub(crate) const fn compare_handler<O: Binary<Out = bool>>(form: CompareForm) -> Handler {
    match form {
        CompareForm::Value(form, Output::Slot) => pair_to::<O, ToSlot>(form),
        CompareForm::Value(form, Output::Acc) => pair_to::<O, ToAcc>(form),
        CompareForm::Branch(form, Edge::Onwards) => branch_to::<O, ONWARDS>(form),
        CompareForm::Branch(form, Edge::Back) => branch_to::<O, BACK>(form),
    }
}

const fn branch_to<O: Binary<Out = bool>, const BACK: bool>(form: PairForm) -> Handler {
    match form {
        PairForm::Slots => branch::<O, InSlot<0>, InSlot<1>, BACK>,
        PairForm::AccSlot => branch::<O, InAcc, InSlot<1>, BACK>,
        PairForm::Imm => branch::<O, InSlot<0>, InImm16, BACK>,
        PairForm::AccImm => branch::<O, InAcc, InImm16, BACK>,
        PairForm::Wide => branch::<O, InSlot<0>, InWide, BACK>,
        PairForm::AccWide => branch::<O, InAcc, InWide, BACK>,
    }
}

const fn pair_to<O: Binary<Out = bool>, T: Target>(form: PairForm) -> Handler {
    match form {
        PairForm::Slots => binary::<O, InSlot<1>, InSlot<2>, T>,
        PairForm::AccSlot => binary::<O, InAcc, InSlot<2>, T>,
        PairForm::Imm => binary::<O, InSlot<1>, InImm32, T>,
        PairForm::AccImm => binary::<O, InAcc, InImm32, T>,
        PairForm::Wide => binary::<O, InSlot<1>, InWide, T>,
        PairForm::AccWide => binary::<O, InAcc, InWide, T>,
    }
}
