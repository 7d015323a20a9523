//! Structures of guest and host, generated from the specification, and what the
//! generated code stands on.

/// A structure of integers without a hidden byte: any bytes are a value of it, and all
/// bytes of a value may be shown to anyone.
///
/// # Safety
/// Implementors have no padding and accept every bit pattern.
pub unsafe trait Plain: Copy + 'static {
    /// The value whose bytes are all zero.
    #[inline]
    fn zeroed() -> Self {
        // SAFETY: every bit pattern is a value.
        unsafe { core::mem::zeroed() }
    }
}

/// A guest structure with its counterpart in the host.
pub trait Convert: Plain {
    /// The host's structure.
    type Host: Plain;

    /// Whether the bytes are the same in both, so that the kernel may be given the guest's.
    const SAME: bool;

    /// The host's form. `address` translates a guest address and the number of bytes
    /// behind it. What the host's structure lacks is lost.
    ///
    /// # Errors
    /// What `address` returns.
    fn to_host<E>(
        &self,
        address: &mut impl FnMut(u32, u64) -> Result<usize, E>,
    ) -> Result<Self::Host, E>;

    /// Takes over the host's values; addresses, and what the host's structure lacks, stay.
    fn update(&mut self, host: &Self::Host);

    /// The guest's form; addresses, and what the host's structure lacks, are zero.
    #[inline]
    fn from_host(host: &Self::Host) -> Self {
        let mut guest = Self::zeroed();
        guest.update(host);
        guest
    }
}

/// A guest integer that the host's kernel takes wider.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub struct Widened<G, H>(G, core::marker::PhantomData<H>);

macro_rules! plain {
    ($($integer:ident)*) => { $(
        // SAFETY: one integer and nothing else.
        unsafe impl Plain for $integer {}
    )* };
}

plain!(i32 u32 i64 u64);

macro_rules! widened {
    ($($guest:ident through $signed:ident to $host:ident;)*) => { $(
        // SAFETY: transparent over one integer.
        unsafe impl Plain for Widened<$guest, $host> {}

        impl Convert for Widened<$guest, $host> {
            type Host = $host;
            const SAME: bool = false;

            fn to_host<E>(
                &self,
                _: &mut impl FnMut(u32, u64) -> Result<usize, E>,
            ) -> Result<$host, E> {
                Ok($host::from(self.0 as $signed))
            }

            fn update(&mut self, host: &$host) {
                self.0 = *host as $guest;
            }
        }
    )* };
}

widened! {
    u32 through u32 to u64;
    u32 through i32 to i64;
    i32 through i32 to i64;
}

wali_macros::layouts!("../spec", crate::layout);

/// The host's form of a structure without addresses.
#[cfg(test)]
fn pointerless<T: Convert>(guest: &T) -> T::Host {
    match guest.to_host(&mut |_, _| Err::<usize, _>("an address in a structure without any")) {
        Ok(host) => host,
        Err(text) => panic!("{text}"),
    }
}

/// The bytes of a value.
#[cfg(test)]
fn bytes<T: Plain>(value: &T) -> Vec<u8> {
    // SAFETY: all bytes of a `Plain` value are initialised.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
        .to_vec()
}

/// Values for property tests: all zeroes, all ones, and many of arbitrary bytes, the same
/// in every run.
#[cfg(test)]
fn samples<T: Plain>() -> impl Iterator<Item = T> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..200).map(move |round| {
        let mut value = T::zeroed();
        let start = core::ptr::from_mut(&mut value).cast::<u8>();
        for i in 0..size_of::<T>() {
            let byte = match round {
                0 => 0,
                1 => 0xff,
                _ => next(),
            };
            // SAFETY: inside `value`, which accepts any bytes.
            unsafe { start.add(i).write(byte) };
        }
        value
    })
}
