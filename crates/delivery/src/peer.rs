//! How a client has come in.

use bellwether_access::Credentials;

/// How a client has come in: what its requests are judged by, beside what they show. An extension of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// By TCP, in the clear.
    Tcp,
    /// By TCP, with TLS.
    Tls,
    /// By a Unix socket: who the system says it is.
    Unix {
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
    },
}

impl Peer {
    /// As what a client is to be taken: as what it shows, or else as what the system says that it is.
    pub fn credentials(self, token: Option<&str>) -> Credentials<'_> {
        match (token, self) {
            (Some(token), _) => Credentials::Token(token),
            (None, Self::Unix { uid, gid }) => Credentials::Peer { uid, gid },
            (None, Self::Tcp | Self::Tls) => Credentials::Anonymous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_stands_above_what_the_system_says() {
        let unix = Peer::Unix { uid: 1, gid: 2 };
        assert!(matches!(Peer::Tcp.credentials(None), Credentials::Anonymous));
        assert!(matches!(unix.credentials(None), Credentials::Peer { uid: 1, gid: 2 }));
        assert!(matches!(unix.credentials(Some("t")), Credentials::Token("t")));
        assert!(matches!(Peer::Tls.credentials(Some("t")), Credentials::Token("t")));
    }
}
