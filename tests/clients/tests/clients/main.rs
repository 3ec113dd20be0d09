//! Clients that others have written, each installed from its own registry by `scripts/install-clients`, and a browser.
//!
//! A test starts real nodes and runs a program of `programs/` against them; that program says what it expects and ends with 0.

mod async_nats;
mod browser_phoenix;
mod browser_sse;
mod curl;
mod dashboard;
mod nats_js;
mod nats_nodes;
mod nats_py;
mod openapi;
mod operator;
mod phoenix_js;
mod program;
