//! Tokens, permissions and lists of revoked tokens, as somebody may write them.
#![no_main]

use bellwether_access::{Claims, Permission, Revoked};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = Claims::read_unverified(text);
    let _ = Revoked::parse(text);
    if let Ok(permission) = text.parse::<Permission>() {
        assert_eq!(permission.to_string().parse::<Permission>(), Ok(permission));
    }
});
