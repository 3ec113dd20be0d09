//! What a check has found, and the words that an operator needs.

use serde::Serialize;

/// How it stands. Ordered by how much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Ok,
    /// It could not be found out.
    Unknown,
    Warning,
    Critical,
}

/// What one check has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    pub(super) found: String,
    /// Why it matters; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'static str>,
    /// What to do about it.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<String>,
}

impl Verdict {
    /// As monitoring plugins end (Nagios, Icinga).
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            found: found.into(),
            why: None,
            advice: None,
        }
    }

    /// Something that is not as it should be.
    pub(super) fn bad(
        check: &'static str,
        verdict: Verdict,
        found: impl Into<String>,
        why: &'static str,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            check,
            verdict,
            found: found.into(),
            why: Some(why),
            advice: Some(advice.into()),
        }
    }

    /// What could not be found out.
    pub(super) fn unknown(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            ..Self::ok(check, found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_what_monitoring_is_told() {
        let worst = |verdicts: &[Verdict]| verdicts.iter().max().map(|verdict| verdict.exit_code());
        assert_eq!(worst(&[Verdict::Ok, Verdict::Ok]), Some(0));
        assert_eq!(worst(&[Verdict::Ok, Verdict::Unknown]), Some(3));
        assert_eq!(worst(&[Verdict::Warning, Verdict::Unknown]), Some(1));
        assert_eq!(worst(&[Verdict::Critical, Verdict::Warning]), Some(2));
    }
}
