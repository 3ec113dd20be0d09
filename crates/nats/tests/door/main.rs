//! The door as clients meet it: bytes on a socket, nodes behind it.

#![expect(clippy::unwrap_used, reason = "a set-up that fails fails its test")]

mod access;
mod conversation;
mod elsewhere;
mod headers;
mod lab;
mod limits;
mod mesh;
mod tls;
mod wire;
