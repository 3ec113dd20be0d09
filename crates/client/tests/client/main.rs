//! The client against real nodes with their gateways, against a server that does as a test wants, and through a proxy that
//! cuts connections.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cutter;
mod script;
mod served;

mod asking;
mod batches;
mod calls;
mod mesh;
mod publishing;
mod resuming;
#[cfg(feature = "tls")]
mod tls;
mod transports;
