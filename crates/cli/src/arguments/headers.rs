//! What may be typed of the headers of a message.

use bellwether_message::Headers;
use clap::Args;
use clap::error::ErrorKind;

use super::{in_one_line, wrong};

#[derive(Debug, Args)]
pub(super) struct TypedHeaders {
    /// A header, such as `Trace-Id: 17`; may be given several times. Nodes carry headers and read none
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
}

impl TypedHeaders {
    /// All together, as they were typed with this command.
    pub(super) fn meaning(&self, command: &str) -> Result<Headers, clap::Error> {
        let mut headers = Headers::default();
        for (name, value) in &self.headers {
            headers
                .push(name, value)
                .map_err(|err| wrong(command, ErrorKind::ValueValidation, in_one_line(err)))?;
        }
        Ok(headers)
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("write a name, a colon and a value, such as `Trace-Id: 17`")?;
    let value = value.trim();
    Headers::default().push(name, value).map_err(in_one_line)?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::parse;
    use crate::commands::Command;

    fn headers(command: &str, typed: &[&str]) -> Result<Headers, String> {
        let line = [&[command, "events", "t"], typed].concat();
        match parse(std::iter::once("bellwether").chain(line).map(Into::into)) {
            Ok(Command::Publish(publish)) => Ok(publish.target.headers),
            Ok(Command::Request(request)) => Ok(request.target.headers),
            Ok(other) => panic!("{other:?}"),
            Err(err) => Err(err.to_string()),
        }
    }

    #[test]
    fn headers_are_kept_in_their_order() {
        for command in ["pub", "request"] {
            let typed = ["-H", "Trace-Id: 17", "--header", "a:", "-H", "Trace-Id:a: b "];
            let headers = headers(command, &typed).unwrap();
            let all: Vec<_> = headers.view().iter().collect();
            assert_eq!(all, [("Trace-Id", "17"), ("a", ""), ("Trace-Id", "a: b")]);
        }
    }

    #[test]
    fn what_no_message_can_carry_is_told() {
        let large = "x".repeat(3000);
        for (typed, right) in [
            (
                &["-H", "Trace-Id"][..],
                "write a name, a colon and a value, such as `Trace-Id: 17`",
            ),
            (&["-H", ":17"], "the name of a header must be visible ASCII characters"),
            (
                &["-H", "Trace Id:17"],
                "the name of a header must be visible ASCII characters",
            ),
            (&["-H", "a:b\nc:d"], "the value of a header holds a line break"),
            (
                &["-H", &format!("a:{large}"), "-H", &format!("b:{large}")],
                "the headers have 6010 bytes together; at most 4096 are allowed",
            ),
        ] {
            let err = headers("pub", typed).unwrap_err();
            assert!(err.contains(right), "{err}");
        }
    }
}
