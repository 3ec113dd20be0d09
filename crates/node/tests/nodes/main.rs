//! Whole nodes over loopback.

#![expect(clippy::unwrap_used, reason = "a set-up that fails fails its test")]

mod emitters;
mod integration;
mod keys;
mod lab;
mod log_bridge;
mod lost_socket;
mod meeting;
mod publishing;
mod queue_groups;
mod replay;
mod reporting;
#[cfg(feature = "otel")]
mod spans;
mod subscription_health;
mod taking_over;
