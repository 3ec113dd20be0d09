//! Clients that others have written, each installed from its own registry by `scripts/install-clients`, and a browser.
//!
//! A test starts real nodes and runs a program of `programs/` against them; that program says what it expects and ends with 0.

mod browser_phoenix;
mod phoenix_js;
#[expect(dead_code, reason = "the Python clients are on their way")]
mod program;
