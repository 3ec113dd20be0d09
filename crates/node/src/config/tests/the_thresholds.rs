use bellwether_monitor::threshold::{ThresholdKind, ThresholdRule};

use super::*;

const COMPLETE: &str = "[[thresholds]]\nid = \"a\"\nmetric_name = \"m\"\nkind = \"max\"\ncritical = 2\n";

fn with(more: &str) -> Result<Config, ConfigError> {
    Config::resolve(file(&format!("{COMPLETE}{more}"))?)
}

#[test]
fn are_read_from_a_file() {
    let text = "
        [[thresholds]]
        id = \"latency\"
        metric_name = \"write_latency_ms\"
        component = \"store\"
        kind = \"max\"
        warning = 1
        critical = 2.5
        sustained = 3
        hysteresis = 0.5
        [[thresholds]]
        id = \"free\"
        metric_name = \"disk_free\"
        kind = \"min\"
        warning = -16
    ";
    let config = Config::resolve(file(text).unwrap()).unwrap();
    let [first, second] = config.integration.thresholds.as_slice() else {
        panic!("{:?}", config.integration.thresholds);
    };
    assert_eq!(
        (first.id.as_str(), first.metric_name.as_str()),
        ("latency", "write_latency_ms")
    );
    assert_eq!((first.component.as_deref(), first.kind.name()), (Some("store"), "max"));
    assert_eq!((first.warning, first.critical), (Some(1.0), Some(2.5)));
    assert_eq!((first.sustained, first.hysteresis), (3, 0.5));
    assert_eq!(
        (second.id.as_str(), second.component.as_deref(), second.kind.name()),
        ("free", None, "min")
    );
    assert_eq!((second.warning, second.critical), (Some(-16.0), None));
    assert_eq!((second.sustained, second.hysteresis), (1, 0.05));
    assert_eq!(config.origin("thresholds[1].kind").to_string(), "bellwether.toml:14");
}

#[test]
fn are_shown_and_resolve_to_themselves() {
    let mut config = local();
    let mut latency = ThresholdRule::new("a\"b", "m", ThresholdKind::Max);
    latency.component = Some("c".to_owned());
    (latency.warning, latency.critical) = (Some(0.1), Some(1e300));
    latency.hysteresis = 1.0 / 3.0;
    let mut depth = ThresholdRule::new("d", "m", ThresholdKind::Min);
    depth.warning = Some(-7.0);
    config.integration.thresholds.extend([latency, depth]);
    let again = Config::resolve(file(&config.to_toml()).unwrap()).unwrap();
    assert_eq!(again.integration.thresholds, config.integration.thresholds);

    let shown = with("").unwrap().to_toml();
    assert!(
        shown.contains("kind = \"max\"  # bellwether.toml:4\ncritical = 2.0  # bellwether.toml:5\nsustained = 1\n"),
        "{shown}"
    );
}

#[test]
fn of_a_stronger_layer_replace_the_list() {
    let weak = file("[[thresholds]]\nid = \"x\"\n\n[[thresholds]]\nid = \"y\"").unwrap();
    let strong = Layer {
        thresholds: Some(vec![ThresholdLayer {
            id: Some("z".to_owned()),
            metric_name: Some("m".to_owned()),
            kind: Some("min".to_owned()),
            critical: Some(1.0),
            ..ThresholdLayer::default()
        }]),
        ..Layer::default()
    };
    let config = Config::resolve(strong.as_flags().over(weak)).unwrap();
    assert_eq!(config.integration.thresholds.len(), 1);
    assert_eq!(config.integration.thresholds[0].id, "z");
    assert_eq!(
        config.origin("thresholds[0].id"),
        Origin::Flag("--thresholds".to_owned())
    );
}

#[test]
fn that_measure_nothing_are_refused_by_line() {
    let taken = "6: `thresholds`: this threshold has no";
    let rest = "give each an `id`, a `metric_name` and a `kind`";
    for (more, words) in [
        (
            "[[thresholds]]\nmetric_name = \"m\"\nkind = \"min\"",
            format!("{taken} `id`; {rest}"),
        ),
        (
            "[[thresholds]]\nid = \"b\"\nkind = \"min\"",
            format!("{taken} `metric_name`; {rest}"),
        ),
        (
            "[[thresholds]]\nid = \"b\"\nmetric_name = \"m\"",
            format!("{taken} `kind`; {rest}"),
        ),
        (
            "[[thresholds]]\nid = \"b\"\nmetric_name = \"m\"\nkind = \"min\"",
            "6: `thresholds`: the threshold `b` has neither `warning` nor `critical`; give one of them or both"
                .to_owned(),
        ),
        (
            "[[thresholds]]\nid = \"b\"\nmetric_name = \"m\"\nkind = \"high\"",
            "9: `thresholds.kind`: `high` is no kind; write `max` where too much is bad, `min` where too little is"
                .to_owned(),
        ),
        (
            "\n[[thresholds]]\nid = \"a\"\nmetric_name = \"n\"\nkind = \"min\"\nwarning = 1",
            "8: `thresholds.id`: the id `a` is taken by another threshold (bellwether.toml:2); give each its own"
                .to_owned(),
        ),
    ] {
        assert_eq!(refusal(with(more)), format!("bellwether.toml:{words}"));
    }
}

#[test]
fn warn_before_they_are_critical() {
    for (kind, warning, critical, right) in [
        ("max", 2, 2, "below"),
        ("max", 3, 2, "below"),
        ("min", 2, 2, "above"),
        ("min", 2, 3, "above"),
    ] {
        let text = |warning| {
            format!(
                "[[thresholds]]\nid = \"a\"\nmetric_name = \"m\"\nkind = \"{kind}\"\nwarning = {warning}\ncritical = {critical}"
            )
        };
        assert_eq!(
            refusal(resolve(&text(warning))),
            format!(
                "bellwether.toml:6: `thresholds.critical`: the threshold `a` is critical at {critical} and warns at \
                 {warning}; where `kind` is `{kind}`, `warning` must be {right} `critical`"
            )
        );
        resolve(&text(if kind == "max" { critical - 1 } else { critical + 1 })).unwrap();
    }
}

#[test]
fn have_numbers_within_bounds() {
    for (more, words) in [
        (
            "sustained = 0",
            "`thresholds.sustained` is 0, but must be between 1 and 1000 values",
        ),
        (
            "sustained = 1001",
            "`thresholds.sustained` is 1001, but must be between 1 and 1000 values",
        ),
        (
            "sustained = 4294967297",
            "`thresholds.sustained` is 4294967297, but must be between 1 and 1000 values",
        ),
        (
            "hysteresis = 1.5",
            "`thresholds.hysteresis` is 1.5, but must be between 0 and 1 (a share of the limit)",
        ),
        (
            "hysteresis = nan",
            "`thresholds.hysteresis` is NaN, but must be between 0 and 1 (a share of the limit)",
        ),
        (
            "warning = -inf",
            "`thresholds.warning`: a limit of the threshold `a` is -inf; write a finite number",
        ),
    ] {
        assert_eq!(refusal(with(more)), format!("bellwether.toml:6: {words}"));
    }
    for more in [
        "sustained = 1",
        "sustained = 1000",
        "hysteresis = 0",
        "hysteresis = 1.0",
    ] {
        with(more).unwrap();
    }
}

#[test]
fn have_texts_of_1_to_128_bytes() {
    for key in ["id", "metric_name", "component"] {
        let text = |value: &str| {
            let others = ["id", "metric_name"].into_iter().filter(|other| *other != key);
            let others: String = others.map(|other| format!("{other} = \"x\"\n")).collect();
            resolve(&format!(
                "[[thresholds]]\n{others}kind = \"max\"\nwarning = 1\n{key} = \"{value}\""
            ))
        };
        text(&"x".repeat(128)).unwrap();
        for value in ["", &"x".repeat(129), "a\\nb"] {
            let words = refusal(text(value));
            assert!(
                words.contains(&format!("`thresholds.{key}`: this text has ")),
                "{words}"
            );
            assert!(
                words.starts_with("bellwether.toml:") && words.contains("1 to 128"),
                "{words}"
            );
        }
    }
}

#[test]
fn are_256_at_most() {
    let of = |count: usize| {
        let one =
            |index| format!("[[thresholds]]\nid = \"{index}\"\nmetric_name = \"m\"\nkind = \"max\"\nwarning = 1\n");
        resolve(&(0..count).map(one).collect::<String>())
    };
    of(256).unwrap();
    assert_eq!(
        refusal(of(257)),
        "bellwether.toml:1281: `thresholds`: there are 257 thresholds, but at most 256 may be; remove some"
    );
}

#[test]
fn of_the_wrong_type_or_with_an_unknown_key_are_refused() {
    for (text, words) in [
        (
            "[thresholds]\nid = \"a\"",
            "1: `thresholds` must be a list of tables, [[thresholds]] with settings below each, found a table",
        ),
        (
            "thresholds = [\n1]",
            "2: `thresholds` must be a list of tables, [[thresholds]] with settings below each, found the number 1",
        ),
        (
            "[[thresholds]]\nwarning = \"1\"",
            "2: `thresholds.warning` must be a number without quotes, found a text",
        ),
        (
            "[[thresholds]]\nmetric = \"m\"",
            "2: unknown key `thresholds.metric`; did you mean `thresholds.metric_name`?",
        ),
        (
            "[[thresholds]]\nid = \"a\"\nqueue_bytes = 1",
            "3: unknown key `thresholds.queue_bytes`; it belongs in the table of an instance, such as \
             `instances.events.queue_bytes`",
        ),
        (
            "kind = \"max\"",
            "1: unknown key `kind`; `kind` belongs in a table [[thresholds]]",
        ),
    ] {
        assert_eq!(refusal(file(text)), format!("bellwether.toml:{words}"));
    }
}
