//! The header block of a message: `NATS/1.0`, lines `Name: value`, an empty line.

/// What every block begins with; a status may follow.
const VERSION: &[u8] = b"NATS/1.0";
/// Our own names. Only who delivers a message writes them: nobody can claim by them to be another node.
const OWN_PREFIX: &str = "Bellwether-";

/// The name under which a block's status travels: none that a header could have by accident.
pub(crate) const STATUS: &str = "NATS/1.0";

/// One line of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// What stands behind the version, if anything: `503 No Responders`.
    Status(&'a str),
    /// A header.
    Header(&'a str, &'a str),
}

/// Reads a block; none if it is none.
pub(crate) fn parse(block: &[u8]) -> Option<Vec<Line<'_>>> {
    let block = std::str::from_utf8(block).ok()?;
    let body = block.strip_suffix("\r\n\r\n").or_else(|| block.strip_suffix("\n\n"))?;
    let mut lines = body.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let status = lines.next()?.as_bytes().strip_prefix(VERSION)?;
    let status = std::str::from_utf8(status).ok()?.trim();
    let mut parsed = Vec::new();
    if !status.is_empty() {
        parsed.push(Line::Status(status));
    }
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        let value = value.trim_matches([' ', '\t']);
        if !is_name || value.contains('\r') {
            return None;
        }
        parsed.push(Line::Header(name, value));
    }
    Some(parsed)
}

/// Whether a name is one of ours, and which: `Event`. Upper and lower case are alike, so that no client is deceived.
pub(crate) fn own_name(name: &str) -> Option<&str> {
    let (prefix, rest) = name.split_at_checked(OWN_PREFIX.len())?;
    prefix.eq_ignore_ascii_case(OWN_PREFIX).then_some(rest)
}

/// Begins a block, with the status if there is one.
pub(crate) fn begin(status: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(VERSION);
    if let Some(status) = status {
        out.push(b' ');
        out.extend_from_slice(status.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes a header.
pub(crate) fn write(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Ends the block.
pub(crate) fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_in_its_order_with_its_case_and_doubles() {
        let block = b"NATS/1.0\r\nA: 1\r\na:2\r\nA:  3 \r\nEmpty:\r\n\r\n";
        let headers =
            [("A", "1"), ("a", "2"), ("A", "3"), ("Empty", "")].map(|(name, value)| Line::Header(name, value));
        assert_eq!(parse(block).unwrap(), headers);
        assert_eq!(parse(b"NATS/1.0\r\n\r\n").unwrap(), []);
        assert_eq!(parse(b"NATS/1.0 503\r\n\r\n").unwrap(), [Line::Status("503")]);
        assert_eq!(parse(b"NATS/1.0 100 Idle Heartbeat\r\nA:b\r\n\r\n").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_block() {
        for block in [
            &b""[..],
            b"\r\n\r\n",
            b"NATS/1.0",
            b"NATS/1.0\r\n",
            b"NATS/2.0\r\n\r\n",
            b"NATS/1.0\r\nA\r\n\r\n",
            b"NATS/1.0\r\n: x\r\n\r\n",
            b"NATS/1.0\r\nA b: x\r\n\r\n",
            b"NATS/1.0\r\nA: \xff\r\n\r\n",
            b"NATS/1.0\r\nA: b\rc\r\n\r\n",
            b"NATS/1.0\r\n\r\nA: b\r\n\r\n",
        ] {
            assert_eq!(parse(block), None, "{}", block.escape_ascii());
        }
    }

    #[test]
    fn our_names_are_known_in_any_case() {
        assert_eq!(own_name("Bellwether-Event"), Some("Event"));
        assert_eq!(own_name("bellwether-reporting-node"), Some("reporting-node"));
        assert_eq!(own_name("Bellwether"), None);
        assert_eq!(own_name("X-Bellwether-Event"), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut block = Vec::new();
        begin(Some("503"), &mut block);
        write("Nats-Subject", "a.b", &mut block);
        end(&mut block);
        assert_eq!(block, b"NATS/1.0 503\r\nNats-Subject: a.b\r\n\r\n");
        assert_eq!(
            parse(&block).unwrap(),
            [Line::Status("503"), Line::Header("Nats-Subject", "a.b")]
        );
    }
}
