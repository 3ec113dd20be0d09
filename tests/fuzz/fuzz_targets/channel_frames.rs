//! The frames of Phoenix channels, text and binary: what is read is read alike once it is written again.
#![no_main]

use bellwether_phoenix::frame::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check(bytes));
