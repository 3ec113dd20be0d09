//! Ports for addresses that must be known before anything listens there.
//!
//! Where a test can, it lets the node take port 0 and asks for the result; this is for the cases where it cannot.

use std::net::{IpAddr, TcpListener, UdpSocket};
use std::ops::Range;

/// Below the ports that systems give to whoever asks for any (Linux from 32,768 on), so that nothing else takes one
/// between the look and the use; above those of services.
const PORTS: Range<u16> = 12_000..32_000;
/// Ports tried before it is given up.
const TRIES: usize = 1000;

/// A port that is free on all of these addresses, for UDP and for TCP.
pub fn free_on(addresses: &[IpAddr]) -> u16 {
    let is_free = |port: &u16| {
        addresses
            .iter()
            .all(|ip| UdpSocket::bind((*ip, *port)).is_ok() && TcpListener::bind((*ip, *port)).is_ok())
    };
    (0..TRIES)
        .map(|_| rand::random_range(PORTS))
        .find(is_free)
        .unwrap_or_else(|| panic!("no free port found on {addresses:?} in {TRIES} tries"))
}
