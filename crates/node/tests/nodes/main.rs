//! Whole nodes over loopback.

#![expect(clippy::unwrap_used, reason = "a set-up that fails fails its test")]

mod emitters;
mod integration;
mod lab;
mod meeting;
mod publishing;
mod replay;
mod subscription_health;
