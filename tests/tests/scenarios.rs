//! Fault scenarios: real processes under load, to which something happens. Each writes a history, and the checker
//! judges it.

// `cfg` tells clippy that what the tests share is a test too.
#[cfg(test)]
mod scenarios {
    mod crash;
    mod flood;
    mod load;
    mod one_way;
    mod partition;
    mod pause;
    mod slow_client;
    mod slow_subscriber;
    mod stop;
}
