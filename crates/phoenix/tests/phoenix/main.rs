//! The door as a client sees it: a node, the router, and WebSockets that speak serializer V2 by hand.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod client;
mod served;

mod access;
mod bounds;
mod coming_in;
mod ending;
mod joining;
mod messages;
mod publishing;
mod resuming;
