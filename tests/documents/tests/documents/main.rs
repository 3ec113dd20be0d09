//! Every code sample of the five documents that describe the original, as something that runs: same topics, same tags,
//! same fields. One module per document, modules and tests named after the headings, in their order.
//!
//! `crates/PROMISES.md` says for every promised feature which test shows it.

#![expect(clippy::unwrap_used, reason = "a set-up that fails fails its test")]

mod quick_reference;

mod integration_guide;

mod messages_module;

mod event_driven_architecture;

mod gater_architecture;

mod promises;

mod lab;
