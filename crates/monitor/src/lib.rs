//! What a node concludes from what it sees: the rules of monitoring.
//!
//! Pure and synchronous: no sockets, no tasks, no clock; time is passed in as the [`Duration`](std::time::Duration)
//! since some fixed moment, and what is to be done is returned. Nothing here publishes.
//!
//! In reading order:
//!
//! - [`cluster_watch`]: who is told of nodes that come, go and fail, and by whom.
//! - [`bus_rules`]: when an instance itself is in trouble.
//! - [`resources`]: when the host runs short of something.
//! - [`threshold`]: figures that cross their limits.
//! - [`alert_book`]: the life of alerts.
//! - [`breaker`]: whether something that may fail is tried at all.
//! - [`subscription_health`]: how the subscriptions of stores are, by what their proxies tell.
//! - [`emission`]: whether and how fast events go to a subscription, by its health; what waits until they may.
//! - [`log_level`], [`log_record`]: a log entry, and how grave it is.
//! - [`log_filter`]: which log entries are let through.
//! - [`log_summary`]: what was logged in a period, counted.
//! - [`rate_limiter`]: at most so many a second.

// What arrives from elsewhere must never panic this process.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::string_slice))]

pub mod cluster_watch;

pub mod bus_rules;
pub mod resources;
pub mod threshold;

pub mod alert_book;

pub mod breaker;
pub mod emission;
pub mod log_filter;
pub mod log_level;
pub mod log_record;
pub mod log_summary;
pub mod rate_limiter;
pub mod subscription_health;

mod excerpt;
