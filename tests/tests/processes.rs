//! Three real processes: what the mesh promises while all is well, while nodes come and go, to who publishes with care, to
//! who comes back, and against strangers.

// `cfg` tells clippy that what the tests share is a test too.
#[cfg(test)]
mod processes {
    mod coming_and_going;
    mod draining;
    mod exactness;
    mod idle_streams;
    mod live_changes;
    mod publishing;
    mod reporting;
    mod resuming;
    mod service_manager;
    mod strangers;
}
