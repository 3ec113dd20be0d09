//! The gateway over real sockets on 127.0.0.1, in front of a node without a mesh.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod client;
mod served;
mod socket_client;

mod access;
mod alerts;
mod batch;
mod broadcast;
mod catalogue;
mod cloud_events;
mod connections;
mod control;
mod dashboard;
mod guard;
mod keys;
mod listeners;
mod publish;
mod resuming;
mod sessions;
mod socket;
mod socket_access;
mod subscribe;
mod thresholds;
mod trace_context;
mod typed_publish;
mod views;
