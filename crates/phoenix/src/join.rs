//! What a client says when it joins.

use bellwether_delivery::{Beginning, BeginningError};
use serde::Deserialize;

use crate::frame::{Payload, excerpt};
use crate::refusal::{Reason, Refusal};

/// The parameters of a join: an object with `since` and `from`, both optional. Others are the application's own, and are
/// passed over; so is what is no object.
///
/// | parameter | the channel begins |
/// | --- | --- |
/// | `since`: a cursor, or the id of a message | behind what had that cursor, or behind that message |
/// | `from`: `live`, `earliest`, `last:N`, `id:ID`, `time:RFC3339` | there |
/// | none, or null | live |
///
/// `since` goes before `from`, so that `() => ({from: "last:10", since: cursor})` begins with ten and then goes on.
#[derive(Debug, Default, Deserialize)]
struct Params {
    #[serde(default)]
    since: Option<String>,
    #[serde(default)]
    from: Option<String>,
}

/// Where a channel is to begin.
///
/// # Errors
/// A parameter is not what it must be.
pub(crate) fn beginning(payload: Payload<'_>) -> Result<Beginning, Refusal> {
    let Payload::Json(json) = payload else {
        return Ok(Beginning::default());
    };
    if !json.starts_with('{') {
        return Ok(Beginning::default());
    }
    let params: Params = serde_json::from_str(json).map_err(|err| {
        let words = format!("the parameters of the join are wrong: {}", excerpt(&err.to_string()));
        Refusal::new(Reason::BadParams, words)
    })?;
    let (parameter, read) = match (params.since, params.from) {
        (Some(since), _) => ("since", Beginning::behind(&since)),
        (None, Some(from)) => ("from", from.parse()),
        (None, None) => return Ok(Beginning::default()),
    };
    read.map_err(|err| {
        let reason = match err {
            BeginningError::Token { .. } | BeginningError::MessageId { .. } => Reason::BadToken,
            _ => Reason::BadParams,
        };
        let cause = std::error::Error::source(&err).map(|cause| format!(": {cause}"));
        let words = format!("`{parameter}` is wrong: {err}{}", cause.unwrap_or_default());
        Refusal::new(reason, words)
    })
}

#[cfg(test)]
mod tests {
    use bellwether::{Instance, ReplayFrom};

    use super::*;

    #[test]
    fn since_goes_before_from_and_null_is_nothing() {
        let of = |json| beginning(Payload::Json(json)).unwrap().of(Instance::Alerts);
        assert_eq!(of("{}"), ReplayFrom::Live);
        assert_eq!(of("null"), ReplayFrom::Live);
        assert_eq!(of("[1]"), ReplayFrom::Live);
        assert_eq!(of(r#"{"since":null,"user_id":7}"#), ReplayFrom::Live);
        assert_eq!(of(r#"{"from":"last:3"}"#), ReplayFrom::Last(3));
        assert_eq!(of(r#"{"from":"earliest","since":null}"#), ReplayFrom::Earliest);
        assert_eq!(
            of(r#"{"from":"earliest","since":"AQ"}"#),
            ReplayFrom::Resume(Vec::new())
        );
        assert!(matches!(of(r#"{"since":"alerts/a/7/9"}"#), ReplayFrom::After(_)));
        assert_eq!(beginning(Payload::Bytes(b"x")).unwrap(), Beginning::default());
    }

    #[test]
    fn what_is_no_beginning_is_refused_in_words() {
        for (json, reason, words) in [
            (r#"{"since":7}"#, Reason::BadParams, "parameters of the join"),
            (r#"{"since":"?"}"#, Reason::BadToken, "`since` is wrong"),
            (r#"{"since":"alerts/a/7"}"#, Reason::BadToken, "3 of the four parts"),
            (r#"{"from":"first"}"#, Reason::BadParams, "`first` is none of"),
        ] {
            let refusal = beginning(Payload::Json(json)).unwrap_err();
            assert_eq!(refusal.reason, reason, "{json}");
            assert!(refusal.words.contains(words), "{json}: {}", refusal.words);
        }
    }
}
