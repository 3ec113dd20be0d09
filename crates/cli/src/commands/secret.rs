//! `bellwether secret`: makes cluster secrets.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;

use crate::failure::Failure;
use crate::output;

/// 384 bits: more than any key made from it, and 64 characters of text.
const SECRET_BYTES: usize = 48;

/// Prints a new secret and nothing else.
pub(crate) fn new() -> Result<(), Failure> {
    output::print(random()?)
}

/// A new secret as text: base64url without padding, so that it needs no quotes anywhere.
pub(crate) fn random() -> Result<String, Failure> {
    let mut secret = [0; SECRET_BYTES];
    SysRng
        .try_fill_bytes(&mut secret)
        .context("the system gives no random bytes")?;
    Ok(URL_SAFE_NO_PAD.encode(secret))
}
