//! Randomness by seed: takes the place of libc's `getrandom` in every program that links this library.
//!
//! The standard library's hash keys and the `rand` crates end there. On a thread with a seed they draw from it, so that
//! the order of tables, back-off jitter and gossip's choices repeat; on any other thread they get the system's bytes.
//! ring makes its keys by a system call of its own: TLS keys stay random, and with them what packets contain, though
//! not how long they are.

#![expect(
    unsafe_code,
    reason = "a symbol of libc is replaced, and its caller gives a raw buffer"
)]

use std::cell::Cell;
use std::ffi::{c_uint, c_void};
use std::fs::File;
use std::io::Read;

use crate::draw::Draw;

thread_local! {
    static SEEDED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From now on this thread's randomness follows from `seed`.
pub fn seed_this_thread(seed: u64) {
    SEEDED.set(Some(seed));
}

/// Fills a buffer: libc's `getrandom(2)`.
///
/// # Safety
/// `buffer` is valid for writes of `len` bytes, as for the function of libc.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut c_void, len: usize, _flags: c_uint) -> isize {
    if len == 0 || buffer.is_null() {
        return 0;
    }
    // SAFETY: the caller promises `len` writable bytes; they are zeroed before a reference to them exists.
    let bytes = unsafe {
        buffer.cast::<u8>().write_bytes(0, len);
        std::slice::from_raw_parts_mut(buffer.cast::<u8>(), len)
    };
    match SEEDED.get() {
        Some(state) => {
            let mut draw = Draw::new(state);
            for chunk in bytes.chunks_mut(8) {
                let drawn = draw.next().to_le_bytes();
                chunk.iter_mut().zip(drawn).for_each(|(to, from)| *to = from);
            }
            SEEDED.set(Some(draw.next()));
        }
        None => {
            let filled = File::open("/dev/urandom").and_then(|mut file| file.read_exact(bytes));
            if filled.is_err() {
                return -1;
            }
        }
    }
    isize::try_from(len).unwrap_or(isize::MAX)
}
