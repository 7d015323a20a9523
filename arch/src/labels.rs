//! What the assembly of every ISA has in common: the labels it defines, and how it records
//! an instruction that may fault.

/// Records the instruction at a local label, and where execution goes on if it faults, in
/// the table of sites (see `fault`). `R` keeps the section although nothing names it.
#[cfg(wali_isa)]
macro_rules! site {
    ($at:literal, $landing:literal) => {
        concat!(
            ".pushsection wali_sites, \"aR\", @progbits\n",
            ".balign 4\n",
            ".long ",
            $at,
            " - .\n",
            ".long ",
            $landing,
            " - .\n",
            ".popsection"
        )
    };
}

#[cfg(wali_isa)]
unsafe extern "C" {
    fn wali_checked_start();
    fn wali_checked_end();
    fn wali_checked_exit();
    fn wali_pinned_landing();
}

/// See `syscall::checked_range`.
#[cfg(wali_isa)]
pub fn checked_range() -> core::ops::Range<usize> {
    wali_checked_start as *const () as usize..wali_checked_end as *const () as usize
}

/// See `syscall::checked_exit`.
#[cfg(wali_isa)]
pub fn checked_exit() -> usize {
    wali_checked_exit as *const () as usize
}

/// See `fault::pinned_landing`.
#[cfg(wali_isa)]
pub fn pinned_landing() -> usize {
    wali_pinned_landing as *const () as usize
}

/// Without assembly there are no labels.
#[cfg(not(wali_isa))]
pub fn checked_range() -> core::ops::Range<usize> {
    0..0
}

/// Without assembly there are no labels.
#[cfg(not(wali_isa))]
pub fn checked_exit() -> usize {
    0
}

/// Without assembly there are no labels.
#[cfg(not(wali_isa))]
pub fn pinned_landing() -> usize {
    0
}
