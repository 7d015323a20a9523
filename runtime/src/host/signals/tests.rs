//! Signals that come between two steps of a change of masks, which is where no guest can send them
//! at will.

use std::sync::Arc;

use wali_arch::flags::signals::{SIGBUS, SIGSEGV, SIGUSR1};
use wali_arch::layout::{Plain, guest};

use super::set::{block_in_kernel, kernel_mask, set_kernel_mask};
use super::{Actions, FAULTS, Set, Signals, arrival, siginfo};
use crate::host::abi::Errno;

/// Runs something with signals of its own on a thread of its own, with handlers for three.
fn on_a_thread(mask: Set, body: impl FnOnce(&Signals) + Send) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            arrival::install();
            crate::fault::install();
            set_kernel_mask(mask - FAULTS);
            let signals = Signals::open(Arc::new(Actions::inherited()), mask);
            arrival::set_current(&signals);
            let mut action = guest::k_sigaction::zeroed();
            action.sa_handler = 1;
            for signal in [SIGUSR1, SIGSEGV, SIGBUS] {
                signals.action(signal, Some(&action)).unwrap();
            }
            body(&signals);
            set_kernel_mask(!Set::default());
            arrival::set_current(std::ptr::null());
        });
    });
}

fn send(signal: i32) {
    arrival::again(signal, &mut siginfo::queued(signal, 1));
}

#[test]
fn a_fault_sent_while_everything_becomes_blocked_leaves_no_note() {
    on_a_thread(Set::of(SIGUSR1), |signals| {
        // It comes on the way out of the call that blocks all others.
        block_in_kernel(FAULTS);
        send(SIGBUS);
        let mask = signals.block_all_but_sent();
        assert_eq!(mask.map(|mask| mask - FAULTS), Some(Set::of(SIGUSR1)));
        assert!(!signals.arrival.is_noted());
        assert!(signals.arrival.sent().contains(SIGBUS));
    });
}

#[test]
fn a_fault_sent_to_a_thread_that_begins_leaves_no_note() {
    on_a_thread(!Set::default(), |_| {
        let mask = Set::of(SIGUSR1);
        let signals = Signals::with_mask(Arc::new(Actions::inherited()), mask);
        arrival::set_current(&signals);
        let mut action = guest::k_sigaction::zeroed();
        action.sa_handler = 1;
        signals.action(SIGSEGV, Some(&action)).unwrap();
        send(SIGSEGV);
        assert!(!signals.arrival.is_noted() && signals.noted());
        signals.set_mask(mask);
        let delivery = signals.next().unwrap();
        assert_eq!((delivery.before, delivery.during), (mask, mask));
    });
}

#[test]
fn a_signal_that_comes_before_a_change_of_masks_knows_nothing_of_it() {
    let old = Set::of(SIGBUS);
    on_a_thread(old, |signals| {
        let changed = signals.change_mask(Set::of(SIGSEGV), |_| {
            send(SIGUSR1);
            Err(Errno::INTERRUPTED)
        });
        assert_eq!(changed, Err(Errno::INTERRUPTED));
        let delivery = signals.next().unwrap();
        assert_eq!((delivery.before, delivery.during), (old, old));
    });
}

#[test]
fn what_a_change_of_masks_lets_through_comes_under_the_new_mask() {
    on_a_thread(FAULTS, |signals| {
        let new = Set::of(SIGUSR1);
        let changed = signals.change_mask(new, |_| {
            send(SIGSEGV);
            set_kernel_mask(new);
            send(SIGBUS);
            Ok(0)
        });
        assert_eq!(changed, Ok(0));
        let delivery = signals.next().unwrap();
        assert_eq!(delivery.signal, SIGBUS);
        assert_eq!((delivery.before, delivery.during), (new, new));
        // All that can be blocked, which for emulators may be less than for the kernel.
        let found = kernel_mask();
        set_kernel_mask(!FAULTS);
        assert_eq!(found, kernel_mask());
    });
}
