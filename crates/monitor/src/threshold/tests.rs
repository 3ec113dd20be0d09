use proptest::prelude::*;

use super::*;

fn max(sustained: u32) -> ThresholdRule {
    ThresholdRule {
        id: "cpu".to_owned(),
        metric_name: "cpu_percent".to_owned(),
        component: None,
        kind: ThresholdKind::Max,
        warning: Some(80.0),
        critical: Some(90.0),
        sustained,
        hysteresis: 0.05,
        enabled: true,
    }
}

fn engine(rule: ThresholdRule) -> ThresholdEngine {
    let mut engine = ThresholdEngine::new();
    assert_eq!(engine.add(rule), Ok(Vec::new()));
    engine
}

fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

/// What each value says: `W` raised to warning, `C` to critical, `l` lowered, `.` cleared, `-` nothing.
fn run(engine: &mut ThresholdEngine, values: &[f64]) -> String {
    let mut said = String::new();
    for value in values {
        let changes = engine.on_sample("cpu_percent", "", &node("a"), *value, Duration::ZERO);
        said.push(match changes.first().map(|change| change.transition) {
            None => '-',
            Some(Transition::Raised {
                severity: ThresholdSeverity::Warning,
                ..
            }) => 'W',
            Some(Transition::Raised {
                severity: ThresholdSeverity::Critical,
                ..
            }) => 'C',
            Some(Transition::Lowered { .. }) => 'l',
            Some(Transition::Cleared { .. }) => '.',
        });
    }
    said
}

#[test]
fn only_changes_are_told() {
    let mut engine = engine(max(1));
    // The limits themselves are allowed; 76 and 85.5 are where they are cleared.
    assert_eq!(run(&mut engine, &[80.0, 80.1, 85.0, 90.0, 90.1, 95.0]), "-W--C-");
    assert_eq!(run(&mut engine, &[85.6, 85.4, 80.0, 76.1, 76.0, 70.0]), "-l--.-");
    assert_eq!(run(&mut engine, &[95.0, 10.0]), "C.");
}

#[test]
fn a_change_says_which_limit_and_by_what() {
    let mut engine = engine(max(1));
    let change = engine.on_sample("cpu_percent", "store", &node("a"), 91.0, Duration::ZERO);
    let json = serde_json::to_value(&change).unwrap();
    let expected = serde_json::json!([{
        "rule": "cpu", "metric_name": "cpu_percent", "component": "store", "node": "a", "current_value": 91.0,
        "threshold_type": "max", "change": "raised", "severity": "critical", "threshold_value": 90.0,
    }]);
    assert_eq!(json, expected);
    let change = engine.on_sample("cpu_percent", "store", &node("a"), 1.0, Duration::ZERO);
    let cleared = Transition::Cleared {
        severity: ThresholdSeverity::Critical,
        threshold_value: 80.0,
    };
    assert_eq!(change.first().map(|change| change.transition), Some(cleared));
}

#[test]
fn a_value_has_to_last_for_as_many_samples_as_the_rule_says() {
    let mut engine = engine(max(3));
    assert_eq!(run(&mut engine, &[95.0, 95.0, 70.0, 85.0, 95.0, 85.0]), "-----W");
    assert_eq!(run(&mut engine, &[95.0, 95.0, 95.0]), "--C");
    // Clearing needs one only.
    assert_eq!(run(&mut engine, &[70.0]), ".");
}

#[test]
fn a_least_works_the_other_way_round_and_below_zero_too() {
    let mut rule = max(1);
    rule.kind = ThresholdKind::Min;
    (rule.warning, rule.critical) = (Some(20.0), Some(10.0));
    assert_eq!(
        run(&mut engine(rule.clone()), &[20.0, 19.0, 9.0, 10.4, 10.6, 20.9, 21.0]),
        "-WC-l-."
    );
    (rule.warning, rule.critical) = (Some(-10.0), Some(-20.0));
    assert_eq!(
        run(&mut engine(rule), &[-10.0, -11.0, -21.0, -19.5, -18.9, -9.6, -9.4]),
        "-WC-l-."
    );
}

#[test]
fn one_limit_is_enough() {
    let mut rule = max(1);
    rule.warning = None;
    assert_eq!(run(&mut engine(rule.clone()), &[85.0, 95.0, 86.0, 85.0]), "-C-.");
    rule.warning = rule.critical.take();
    assert_eq!(run(&mut engine(rule), &[85.0, 95.0, 86.0, 85.0]), "-W-.");
}

#[test]
fn values_that_are_no_numbers_are_passed_over_and_counted() {
    let mut engine = engine(max(1));
    assert_eq!(
        run(
            &mut engine,
            &[f64::NAN, f64::INFINITY, 95.0, f64::NEG_INFINITY, f64::NAN, 70.0]
        ),
        "--C--."
    );
    assert_eq!(engine.ignored(), 4);
}

#[test]
fn each_node_and_component_is_a_series_of_its_own() {
    let mut engine = engine(max(2));
    let mut sample = |name: &str, component: &str| {
        engine
            .on_sample("cpu_percent", component, &node(name), 95.0, Duration::ZERO)
            .len()
    };
    assert_eq!([sample("a", "x"), sample("b", "x"), sample("a", "y")], [0, 0, 0]);
    assert_eq!([sample("a", "x"), sample("b", "x"), sample("a", "y")], [1, 1, 1]);
}

#[test]
fn a_rule_looks_only_at_its_metric_and_component_and_only_while_enabled() {
    let mut rule = max(1);
    rule.component = Some("store".to_owned());
    let mut engine = engine(rule.clone());
    let sample = |engine: &mut ThresholdEngine, metric: &str, component: &str| {
        engine
            .on_sample(metric, component, &node("a"), 95.0, Duration::ZERO)
            .len()
    };
    assert_eq!(sample(&mut engine, "cpu_percent", "other"), 0);
    assert_eq!(sample(&mut engine, "memory", "store"), 0);
    assert_eq!(sample(&mut engine, "cpu_percent", "store"), 1);
    rule.enabled = false;
    assert_eq!(engine.add(rule).unwrap().len(), 1);
    assert_eq!(sample(&mut engine, "cpu_percent", "store"), 0);
    assert!(engine.series.is_empty());
}

#[test]
fn what_was_raised_is_cleared_with_its_rule_or_its_node() {
    let mut engine = engine(max(1));
    for name in ["a", "b", "c"] {
        engine.on_sample(
            "cpu_percent",
            "",
            &node(name),
            if name == "c" { 1.0 } else { 95.0 },
            Duration::ZERO,
        );
    }
    let cleared = engine.forget(&node("a"));
    assert_eq!(cleared.len(), 1);
    assert!(matches!(
        cleared.first(),
        Some(ThresholdChange {
            current_value: 95.0,
            transition: Transition::Cleared { .. },
            ..
        })
    ));
    assert_eq!(engine.forget(&node("a")), []);
    let nodes: Vec<NodeId> = engine.remove("cpu").into_iter().map(|change| change.node).collect();
    assert_eq!(nodes, [node("b")]);
    assert_eq!(engine.rules().count(), 0);
    assert!(engine.series.is_empty());
}

#[test]
fn a_bad_rule_is_refused_with_what_would_be_right() {
    let refused = |change: fn(&mut ThresholdRule)| {
        let mut rule = max(1);
        change(&mut rule);
        ThresholdEngine::new().add(rule).unwrap_err().to_string()
    };
    assert_eq!(
        refused(|rule| rule.id.clear()),
        "a threshold rule needs id: it is empty"
    );
    assert_eq!(
        refused(|rule| rule.metric_name.clear()),
        "a threshold rule needs metric_name: it is empty"
    );
    assert_eq!(
        refused(|rule| rule.component = Some(String::new())),
        "a threshold rule needs component: it is empty"
    );
    assert_eq!(
        refused(|rule| rule.metric_name = "x".repeat(129)),
        "metric_name of threshold rule `cpu` has 129 bytes: at most 128 are allowed"
    );
    assert_eq!(
        refused(|rule| (rule.warning, rule.critical) = (None, None)),
        "threshold rule `cpu` has no limit: give `warning`, `critical` or both"
    );
    assert_eq!(
        refused(|rule| rule.warning = Some(f64::NAN)),
        "warning of threshold rule `cpu` is NaN: it must be a finite number"
    );
    assert_eq!(
        refused(|rule| rule.critical = Some(80.0)),
        "threshold rule `cpu`: critical (80) must be above warning (80)"
    );
    assert_eq!(
        refused(|rule| rule.kind = ThresholdKind::Min),
        "threshold rule `cpu`: critical (90) must be below warning (80)"
    );
    let sustained = "sustained of threshold rule `cpu` is 0: it must be from 1 to 3600";
    assert_eq!(refused(|rule| rule.sustained = 0), sustained);
    assert_eq!(
        refused(|rule| rule.sustained = MAX_SUSTAINED + 1),
        sustained.replace("is 0", "is 3601")
    );
    for hysteresis in [-0.1, 1.0, f64::NAN] {
        let rule = ThresholdRule { hysteresis, ..max(1) };
        let said = ThresholdEngine::new().add(rule).unwrap_err().to_string();
        assert!(said.ends_with("it must be a fraction from 0 to below 1"), "{said}");
    }
}

#[test]
fn rules_are_bounded_but_one_can_be_replaced() {
    let mut engine = ThresholdEngine::new();
    for index in 0..MAX_RULES {
        engine
            .add(ThresholdRule {
                id: format!("r{index}"),
                ..max(1)
            })
            .unwrap();
    }
    assert_eq!(engine.add(max(1)), Err(AddRuleError::Full));
    assert!(
        engine
            .add(ThresholdRule {
                id: "r0".to_owned(),
                ..max(2)
            })
            .is_ok()
    );
}

#[test]
fn series_are_bounded_and_the_raised_stay_longest() {
    let mut engine = engine(max(1));
    let mut sample = |index: usize, value: f64| {
        let component = format!("c{index}");
        let now = Duration::from_millis(index as u64);
        engine
            .on_sample("cpu_percent", &component, &node("a"), value, now)
            .len()
    };
    sample(0, 95.0);
    for index in 1..MAX_SERIES + 1_000 {
        sample(index, 50.0);
    }
    assert_eq!(sample(0, 96.0), 0, "it is known to be raised");
    assert!(engine.series.len() <= MAX_SERIES);
    assert_eq!(engine.forgotten(), 1_024);
    engine.on_sample(&"x".repeat(129), "", &node("a"), 1.0, Duration::ZERO);
    engine.on_sample("cpu_percent", &"x".repeat(129), &node("a"), 1.0, Duration::ZERO);
    assert_eq!(engine.ignored(), 2);
}

#[test]
fn rules_are_read_with_their_defaults_and_unknown_names_are_refused() {
    let text = r#"{"id": "cpu", "metric_name": "cpu_percent", "kind": "max", "warning": 80.0, "critical": 90.0}"#;
    let rule: ThresholdRule = serde_json::from_str(text).unwrap();
    assert_eq!(rule, max(1));
    let again: ThresholdRule = serde_json::from_str(&serde_json::to_string(&rule).unwrap()).unwrap();
    assert_eq!(again, rule);
    let wrong = text.replace("warning", "warn");
    assert!(
        serde_json::from_str::<ThresholdRule>(&wrong)
            .unwrap_err()
            .to_string()
            .contains("unknown field `warn`")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_alternates_and_ends_where_the_last_value_is(
        values in prop::collection::vec(60.0..100.0_f64, 1..60),
        sustained in 1..4_u32,
    ) {
        let mut engine = engine(max(sustained));
        let said = run(&mut engine, &values);
        let mut state = '.';
        for change in said.chars().filter(|change| *change != '-') {
            let allowed = match state {
                '.' => "WC",
                'W' | 'l' => "C.",
                _ => "l.",
            };
            prop_assert!(allowed.contains(change), "{change} after {state}: {said}");
            state = change;
        }
        if values.last().is_some_and(|last| *last <= 76.0) {
            prop_assert_eq!(state, '.');
        }
        if values.iter().rev().take(sustained as usize).filter(|value| **value > 90.0).count() == sustained as usize {
            prop_assert_eq!(state, 'C');
        }
    }
}
