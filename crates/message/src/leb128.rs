//! Unsigned integers of one to ten bytes, seven bits each, the lowest first (LEB128).

use bytes::BufMut;

/// Appends the encoding of `value`.
pub fn put(mut value: u64, out: &mut impl BufMut) {
    while value >= 0x80 {
        out.put_u8((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Length of the encoding of `value`.
pub fn len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}
