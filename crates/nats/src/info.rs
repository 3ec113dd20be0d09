//! `INFO`: what the node says of itself.

use std::net::SocketAddr;

use serde::Serialize;

/// The version of the reference server whose client protocol this is: libraries ask it for what they may use.
const PROTOCOL_VERSION: &str = "2.11.0";

/// The first thing on the wire; said again when it changes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Info<'a> {
    pub(crate) server_id: &'a str,
    pub(crate) server_name: &'a str,
    version: &'static str,
    /// What the server is built with; every client expects some text here.
    go: &'static str,
    pub(crate) host: String,
    pub(crate) port: u16,
    headers: bool,
    pub(crate) max_payload: usize,
    proto: u8,
    pub(crate) client_id: u64,
    pub(crate) client_ip: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) auth_required: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) tls_required: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) tls_available: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) connect_urls: &'a [String],
    /// The node is about to stop.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) ldm: bool,
}

impl<'a> Info<'a> {
    pub(crate) fn new(server: &'a str, local: SocketAddr, client_id: u64, peer: SocketAddr) -> Self {
        Self {
            server_id: server,
            server_name: server,
            version: PROTOCOL_VERSION,
            go: "none",
            host: local.ip().to_string(),
            port: local.port(),
            headers: true,
            max_payload: 0,
            proto: 1,
            client_id,
            client_ip: peer.ip().to_string(),
            auth_required: false,
            tls_required: false,
            tls_available: false,
            connect_urls: &[],
            ldm: false,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"INFO ");
        // Cannot fail: text and numbers, into memory.
        let _ = serde_json::to_writer(&mut *out, self);
        out.extend_from_slice(b"\r\n");
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strict_clients_need_is_always_there_and_the_rest_only_if_it_says_something() {
        let addr: SocketAddr = "127.0.0.1:4222".parse().unwrap();
        let mut info = Info::new("a", addr, 7, addr);
        info.max_payload = 1024;
        let text = |info: &Info<'_>| {
            let mut out = Vec::new();
            info.write(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            text(&info),
            "INFO {\"server_id\":\"a\",\"server_name\":\"a\",\"version\":\"2.11.0\",\"go\":\"none\",\"host\":\"127.0.0.1\",\
             \"port\":4222,\"headers\":true,\"max_payload\":1024,\"proto\":1,\"client_id\":7,\"client_ip\":\"127.0.0.1\"}\r\n"
        );
        let urls = ["b:4222".to_owned()];
        (info.connect_urls, info.ldm) = (&urls, true);
        assert!(text(&info).ends_with(",\"connect_urls\":[\"b:4222\"],\"ldm\":true}\r\n"));
    }
}
