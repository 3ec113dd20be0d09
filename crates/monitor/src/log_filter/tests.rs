use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::log_level::LogLevel;

const NOW: Duration = Duration::from_secs(1);

fn rule(id: &str, by: RuleBy, value: &str, action: RuleAction) -> LogRule {
    LogRule {
        id: id.to_owned(),
        by,
        value: value.to_owned(),
        action,
        enabled: true,
    }
}

fn filters(rules: impl IntoIterator<Item = LogRule>) -> LogFilters {
    let mut filters = LogFilters::new();
    for rule in rules {
        filters.set(rule).unwrap();
    }
    filters
}

fn per_second(per_second: u32) -> RuleAction {
    RuleAction::RateLimit {
        per_second: NonZeroU32::new(per_second).unwrap(),
    }
}

fn entry(level: LogLevel, module: &'static str) -> LogRecord<'static> {
    LogRecord {
        level,
        module,
        message: "the peer is gone",
        node: "a",
    }
}

fn excluded(id: &str) -> Admit {
    Admit::Excluded(id.into())
}

fn limited(id: &str) -> Admit {
    Admit::Limited(id.into())
}

#[test]
fn without_rules_everything_is_let_through() {
    for level in LogLevel::ALL {
        assert_eq!(LogFilters::new().admit(&entry(level, "mesh"), NOW), Admit::Yes);
    }
}

#[test]
fn a_level_that_is_included_is_a_minimum() {
    let mut filters = filters([rule("quiet", RuleBy::Level, "warn", RuleAction::Include)]);
    let admitted = LogLevel::ALL.map(|level| filters.admit(&entry(level, "mesh"), NOW) == Admit::Yes);
    assert_eq!(admitted, [false, false, true, true, true]);
    assert_eq!(filters.admit(&entry(LogLevel::Info, "mesh"), NOW), excluded("quiet"));
}

#[test]
fn a_level_that_is_excluded_takes_the_graver_ones_with_it() {
    let mut filters = filters([rule("calm", RuleBy::Level, "error", RuleAction::Exclude)]);
    let admitted = LogLevel::ALL.map(|level| filters.admit(&entry(level, "mesh"), NOW) == Admit::Yes);
    assert_eq!(admitted, [true, true, true, false, false]);
}

#[test]
fn each_kind_looks_at_its_own_part() {
    for (by, value, other) in [
        (RuleBy::Level, "error", "critical"),
        (RuleBy::Module, "mesh", "node"),
        (RuleBy::Pattern, "peer*gone", "peer*here"),
        (RuleBy::Node, "a", "b"),
    ] {
        let error = entry(LogLevel::Error, "mesh::links");
        let mut matching = filters([rule("x", by, value, RuleAction::Exclude)]);
        assert_eq!(matching.admit(&error, NOW), excluded("x"), "{by:?}");
        let mut different = filters([rule("x", by, other, RuleAction::Exclude)]);
        assert_eq!(different.admit(&error, NOW), Admit::Yes, "{by:?}");
    }
}

#[test]
fn a_node_is_its_whole_id() {
    let mut filters = filters([rule("x", RuleBy::Node, "a", RuleAction::Exclude)]);
    let mut other = entry(LogLevel::Info, "mesh");
    other.node = "a.rack1";
    assert_eq!(filters.admit(&other, NOW), Admit::Yes);
}

#[test]
fn of_those_that_include_by_one_kind_one_must_match_and_of_each_kind() {
    let mut filters = filters([
        rule("mesh", RuleBy::Module, "mesh", RuleAction::Include),
        rule("broker", RuleBy::Module, "broker", RuleAction::Include),
        rule("loud", RuleBy::Level, "warn", RuleAction::Include),
    ]);
    assert_eq!(filters.admit(&entry(LogLevel::Warn, "mesh"), NOW), Admit::Yes);
    assert_eq!(filters.admit(&entry(LogLevel::Warn, "broker"), NOW), Admit::Yes);
    assert_eq!(filters.admit(&entry(LogLevel::Warn, "node"), NOW), excluded("mesh"));
    assert_eq!(filters.admit(&entry(LogLevel::Info, "mesh"), NOW), excluded("loud"));
}

#[test]
fn excluding_wins_over_including_whatever_was_set_first() {
    let include = rule("in", RuleBy::Module, "mesh", RuleAction::Include);
    let exclude = rule("out", RuleBy::Module, "mesh::links", RuleAction::Exclude);
    for rules in [[include.clone(), exclude.clone()], [exclude, include]] {
        let mut filters = filters(rules);
        assert_eq!(
            filters.admit(&entry(LogLevel::Info, "mesh::links"), NOW),
            excluded("out")
        );
        assert_eq!(filters.admit(&entry(LogLevel::Info, "mesh::dial"), NOW), Admit::Yes);
    }
}

#[test]
fn a_rate_lets_one_seconds_worth_through_at_once_and_tells_the_rest_once() {
    let mut filters = filters([rule("slow", RuleBy::Module, "mesh", per_second(2))]);
    let info = entry(LogLevel::Info, "mesh");
    let answers: Vec<Admit> = (0..4).map(|_| filters.admit(&info, NOW)).collect();
    assert_eq!(answers, [Admit::Yes, Admit::Yes, limited("slow"), limited("slow")]);
    assert_eq!(
        filters.admit(&entry(LogLevel::Info, "node"), NOW),
        Admit::Yes,
        "not its business"
    );
    assert_eq!(filters.limited(), [("slow".into(), 2)]);
    assert!(filters.limited().is_empty());
    assert_eq!(filters.admit(&info, NOW + Duration::from_millis(500)), Admit::Yes);
    assert_eq!(filters.admit(&info, NOW + Duration::from_millis(500)), limited("slow"));
}

#[test]
fn what_is_kept_out_otherwise_uses_up_no_rate() {
    let mut filters = filters([
        rule("slow", RuleBy::Module, "mesh", per_second(1)),
        rule("none", RuleBy::Level, "error", per_second(1)),
        rule("out", RuleBy::Pattern, "secret", RuleAction::Exclude),
    ]);
    let mut secret = entry(LogLevel::Error, "mesh");
    secret.message = "a secret";
    assert_eq!(filters.admit(&secret, NOW), excluded("out"));
    assert_eq!(
        filters.admit(&entry(LogLevel::Error, "node"), NOW),
        Admit::Yes,
        "uses up `none`"
    );
    assert_eq!(filters.admit(&entry(LogLevel::Error, "mesh"), NOW), limited("none"));
    assert_eq!(
        filters.admit(&entry(LogLevel::Info, "mesh"), NOW),
        Admit::Yes,
        "`slow` still has its one"
    );
}

#[test]
fn a_rule_that_is_switched_off_does_nothing() {
    for action in [RuleAction::Include, RuleAction::Exclude, per_second(1)] {
        let off = LogRule {
            enabled: false,
            value: if action == RuleAction::Include {
                "critical"
            } else {
                "debug"
            }
            .to_owned(),
            ..rule("off", RuleBy::Level, "", action)
        };
        let mut filters = filters([off]);
        for _ in 0..3 {
            assert_eq!(filters.admit(&entry(LogLevel::Info, "mesh"), NOW), Admit::Yes);
        }
    }
}

#[test]
fn a_rule_is_replaced_by_its_id_and_one_told_again_goes_on() {
    let slow = rule("slow", RuleBy::Module, "mesh", per_second(1));
    let mut filters = filters([slow.clone(), rule("b", RuleBy::Node, "b", RuleAction::Exclude)]);
    let info = entry(LogLevel::Info, "mesh");
    assert_eq!(filters.admit(&info, NOW), Admit::Yes);
    filters.set(slow).unwrap();
    assert_eq!(
        filters.admit(&info, NOW),
        limited("slow"),
        "told again, nothing is gained"
    );
    filters
        .set(rule("slow", RuleBy::Module, "mesh", per_second(5)))
        .unwrap();
    assert_eq!(filters.admit(&info, NOW), Admit::Yes);
    let ids: Vec<&str> = filters.rules().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["slow", "b"]);
}

#[test]
fn a_rule_that_is_removed_is_gone() {
    let mut filters = filters([rule("out", RuleBy::Module, "mesh", RuleAction::Exclude)]);
    assert!(!filters.remove("other"));
    assert!(filters.remove("out"));
    assert!(!filters.remove("out"));
    assert_eq!(filters.admit(&entry(LogLevel::Info, "mesh"), NOW), Admit::Yes);
}

#[test]
fn rules_have_bounds() {
    let numbered = |number: usize| rule(&number.to_string(), RuleBy::Node, "b", RuleAction::Exclude);
    let mut filters = filters((0..MAX_RULES).map(numbered));
    let err = filters.set(numbered(MAX_RULES)).unwrap_err();
    assert_eq!(err.to_string(), "there are 256 rules already: remove one first");
    assert!(
        filters.set(rule("7", RuleBy::Node, "c", RuleAction::Include)).is_ok(),
        "an old one changes"
    );
    assert_eq!(filters.rules().count(), MAX_RULES);
}

#[test]
fn a_wrong_rule_is_refused_and_the_right_one_is_shown() {
    let mut filters = filters([rule("x", RuleBy::Module, "mesh", RuleAction::Exclude)]);
    let mut refused = |id: &str, by, value: &str| {
        let err = filters.set(rule(id, by, value, RuleAction::Exclude)).unwrap_err();
        err.to_string()
    };
    assert_eq!(
        refused("x", RuleBy::Level, "loud\u{1b}"),
        "`loud\\u{1b}` is no level: it must be debug, info, warn, error or critical"
    );
    let length = "the value of the rule has 0 bytes: it must have 1 to 512";
    assert_eq!(refused("x", RuleBy::Pattern, ""), length);
    assert!(refused("x", RuleBy::Pattern, &"x".repeat(513)).contains("513"));
    assert!(refused("", RuleBy::Module, "mesh").contains("the id of the rule has 0 bytes"));
    assert!(refused(&"x".repeat(129), RuleBy::Module, "mesh").contains("129"));
    assert_eq!(
        filters.admit(&entry(LogLevel::Info, "mesh"), NOW),
        excluded("x"),
        "the old one stands"
    );
}

#[test]
fn warning_is_read_as_warn() {
    let mut filters = filters([rule("x", RuleBy::Level, "warning", RuleAction::Exclude)]);
    assert_eq!(filters.admit(&entry(LogLevel::Warn, "mesh"), NOW), excluded("x"));
}

fn any_rule() -> impl Strategy<Value = LogRule> {
    let by = prop::sample::select(vec![
        (RuleBy::Level, "warn"),
        (RuleBy::Level, "error"),
        (RuleBy::Module, "mesh"),
        (RuleBy::Module, "mesh::links"),
        (RuleBy::Pattern, "peer"),
        (RuleBy::Pattern, "s*t"),
        (RuleBy::Node, "a"),
        (RuleBy::Node, "b"),
    ]);
    let action = prop::sample::select(vec![RuleAction::Include, RuleAction::Exclude]);
    ("[a-d]", by, action, any::<bool>()).prop_map(|(id, (by, value), action, enabled)| LogRule {
        enabled,
        ..rule(&id, by, value, action)
    })
}

proptest! {
    #[test]
    fn the_verdict_is_that_of_the_rules_read_aloud(
        rules in prop::collection::vec(any_rule(), 0..6),
        level in prop::sample::select(LogLevel::ALL.to_vec()),
        module in prop::sample::select(vec!["mesh", "mesh::links", "node"]),
        message in prop::sample::select(vec!["the peer", "a secret", "s"]),
        node in prop::sample::select(vec!["a", "b"]),
    ) {
        let mut filters = filters(rules);
        let set: Vec<LogRule> = filters.rules().filter(|rule| rule.enabled).cloned().collect();
        let matches = |rule: &LogRule| match (rule.by, rule.value.as_str()) {
            (RuleBy::Level, "warn") => level >= LogLevel::Warn,
            (RuleBy::Level, _) => level >= LogLevel::Error,
            (RuleBy::Module, "mesh") => module != "node",
            (RuleBy::Module, _) => module == "mesh::links",
            (RuleBy::Pattern, "peer") => message == "the peer",
            (RuleBy::Pattern, _) => message == "a secret",
            (RuleBy::Node, value) => value == node,
        };
        let of = |action: RuleAction| set.iter().filter(move |rule| rule.action == action);
        let is_excluded = of(RuleAction::Exclude).any(matches);
        let is_missed = of(RuleAction::Include)
            .any(|wanted| !of(RuleAction::Include).any(|rule| rule.by == wanted.by && matches(rule)));
        let verdict = filters.admit(&LogRecord { level, module, message, node }, NOW);
        prop_assert_eq!(verdict == Admit::Yes, !is_excluded && !is_missed);
        if let Admit::Excluded(id) = verdict {
            let named = set.iter().find(|rule| *rule.id == *id).unwrap();
            let is_right = match named.action {
                RuleAction::Exclude => matches(named),
                _ => !matches(named),
            };
            prop_assert!(is_right);
        }
    }
}
