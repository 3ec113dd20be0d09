//! The one place that speaks bincode: limits, consumed length, borrowed decoding.
//!
//! bincode 2.0.1 is unmaintained (RUSTSEC-2025-0141) and was asked for by the project, so nothing else calls it.
//! Wire types derive [`Encode`] and [`Decode`] from here; another codec would be a change to this file and new
//! golden vectors. Payloads never pass through it.

#[doc(hidden)]
pub use bincode;
pub use bincode::{BorrowDecode, Decode, Encode};

use bincode::config::{Configuration, Limit, LittleEndian, Varint};

/// Most bytes that one value may decode to or from. Without a limit, a length prefix of 2^64−1 makes bincode panic.
pub const MAX_DECODED_BYTES: usize = 64 * 1024;

const CONFIG: Configuration<LittleEndian, Varint, Limit<MAX_DECODED_BYTES>> =
    bincode::config::standard().with_limit::<MAX_DECODED_BYTES>();

/// Why bytes could not be turned into a value, or a value into bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes are not an encoding of the type, or declare more than [`MAX_DECODED_BYTES`].
    #[error("malformed encoding")]
    Malformed(#[source] bincode::error::DecodeError),
    /// A value was read, but bytes were left over: the sender means something we do not know.
    #[error("{left} bytes left over after the value")]
    TrailingBytes {
        /// How many bytes followed the value.
        left: usize,
    },
    /// The value cannot be encoded.
    #[error("value cannot be encoded")]
    Unencodable(#[source] bincode::error::EncodeError),
}

/// Appends the encoding of `value` to `out`.
///
/// # Errors
/// [`CodecError::Unencodable`] for values bincode has no form for; none of ours is one.
pub fn encode_into<T: Encode>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    bincode::encode_into_std_write(value, out, CONFIG)
        .map(drop)
        .map_err(CodecError::Unencodable)
}

/// Writes the encoding of `value` to the beginning of `out`, and says how long it is; `None` if it does not fit.
pub(crate) fn encode_to<T: Encode>(value: &T, out: &mut [u8]) -> Option<usize> {
    // A slice that is too short is the only way this can fail.
    bincode::encode_into_slice(value, out, CONFIG).ok()
}

/// Length of an unsigned integer's encoding (bincode's specification, "VarintEncoding").
pub(crate) fn varint_len(value: u64) -> usize {
    match value {
        0..=250 => 1,
        251..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// Reads a value that `bytes` begin with, and says how long it was.
pub(crate) fn decode_front<'a, T: BorrowDecode<'a, ()>>(bytes: &'a [u8]) -> Result<(T, usize), CodecError> {
    bincode::borrow_decode_from_slice(bytes, CONFIG).map_err(CodecError::Malformed)
}

/// Reads a value that borrows from `bytes` and must fill them exactly.
///
/// Authenticate the bytes first (a MAC, or a connection with a known peer).
///
/// # Errors
/// [`CodecError::Malformed`], [`CodecError::TrailingBytes`].
pub fn decode<'a, T: BorrowDecode<'a, ()>>(bytes: &'a [u8]) -> Result<T, CodecError> {
    let (value, used) = decode_front(bytes)?;
    match bytes.len().saturating_sub(used) {
        0 => Ok(value),
        left => Err(CodecError::TrailingBytes { left }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lying_length_prefix_is_an_error_and_no_panic() {
        let lie = [0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3];
        assert!(matches!(decode::<Vec<u8>>(&lie), Err(CodecError::Malformed(_))));
        assert!(matches!(decode::<Vec<u64>>(&lie), Err(CodecError::Malformed(_))));
        assert!(matches!(decode::<&str>(&lie), Err(CodecError::Malformed(_))));
    }

    #[test]
    fn bytes_after_the_value_are_refused() {
        let mut bytes = Vec::new();
        encode_into(&7u64, &mut bytes).unwrap();
        bytes.push(0);
        assert!(matches!(
            decode::<u64>(&bytes),
            Err(CodecError::TrailingBytes { left: 1 })
        ));
    }
}
