//! Whether the kernel takes many datagrams at once (GSO) and hands them out so (GRO).

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use quinn_udp::{UdpSockRef, UdpSocketState};

use super::finding::{Finding, Verdict};

const CHECK: &str = "offload";
const WHY: &str = "each datagram costs a system call of its own, which takes processor time where much is published";

pub(super) fn check() -> Finding {
    judge(segments())
}

/// Datagrams per system call, sending and receiving, of a socket as the mesh has them.
fn segments() -> io::Result<[usize; 2]> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    Ok([state.max_gso_segments(), state.gro_segments()])
}

fn judge(segments: io::Result<[usize; 2]>) -> Finding {
    match segments {
        Err(err) => Finding::unknown(CHECK, format!("no UDP socket can be made: {err}")),
        Ok([gso, gro]) => {
            let found = format!("at once up to {gso} datagrams are sent (GSO) and {gro} received (GRO)");
            match gso > 1 && gro > 1 {
                true => Finding::ok(CHECK, found),
                false => {
                    let advice = "use Linux 5.0 or newer, and in a container or sandbox one that lets UDP_SEGMENT and \
                                  UDP_GRO pass; without them everything works, at a higher cost";
                    Finding::bad(CHECK, Verdict::Warning, found, WHY, advice)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_datagram_at_a_time_is_worth_a_word() {
        assert_eq!(judge(Ok([64, 64])).verdict, Verdict::Ok);
        assert_eq!(judge(Ok([1, 64])).verdict, Verdict::Warning);
        assert_eq!(judge(Ok([64, 1])).verdict, Verdict::Warning);
        assert_eq!(
            judge(Err(io::ErrorKind::PermissionDenied.into())).verdict,
            Verdict::Unknown
        );
    }

    #[test]
    fn a_socket_of_this_host_can_be_asked() {
        let [gso, gro] = segments().unwrap();
        assert!(gso >= 1 && gro >= 1);
    }
}
