use bellwether_monitor::threshold::{ThresholdKind, ThresholdRule};

use super::definition::{Definition, Form, Value};
use super::*;

fn variable(definition: &Definition) -> String {
    format!("BELLWETHER_{}", definition.variable())
}

/// The file that sets one key of a table on line 3.
fn text(definition: &Definition, value: &str) -> String {
    format!("[{}]\n\n{} = {value}", definition.table(), definition.name())
}

/// What keeps the two percentages in order whatever one of them is.
fn other_percentage(key: &str) -> Layer {
    match key {
        "reporters.resource_warning_percent" => file("reporters.resource_critical_percent = 100"),
        "reporters.resource_critical_percent" => file("reporters.resource_warning_percent = 1"),
        _ => file(""),
    }
    .unwrap()
}

#[test]
fn is_set_by_a_file_and_by_the_environment() {
    for definition in &DEFINITIONS {
        let default = definition.read(&Config::resolve(Layer::default()).unwrap().integration);
        let (typed, value) = match default {
            Value::Flag(on) => ((!on).to_string(), Value::Flag(!on)),
            Value::Number(number) => ((number + 1).to_string(), Value::Number(number + 1)),
            Value::Decimal(number) => ((number + 1.5).to_string(), Value::Decimal(number + 1.5)),
        };
        let of_file = Config::resolve(file(&text(definition, &typed)).unwrap()).unwrap();
        assert_eq!(definition.read(&of_file.integration), value, "{}", definition.key());
        let line = Origin::File {
            file: "bellwether.toml".into(),
            line: 3,
        };
        assert_eq!(of_file.origin(definition.key()), line);

        let name = variable(definition);
        let environment = environment(&[(&name, &typed)]).unwrap();
        let weaker = match default {
            Value::Flag(on) => on.to_string(),
            Value::Number(_) | Value::Decimal(_) => definition.bounds.max.to_string(),
        };
        let weaker = file(&text(definition, &weaker)).unwrap();
        let of_both = Config::resolve(environment.over(weaker)).unwrap();
        assert_eq!(definition.read(&of_both.integration), value, "{}", definition.key());
        assert_eq!(of_both.origin(definition.key()), Origin::Variable(name));
    }
}

#[test]
fn is_set_by_the_names_that_are_written_down() {
    let layer = environment(&[
        ("BELLWETHER_INTEGRATION_ENABLED", "false"),
        ("BELLWETHER_INTEGRATION_HEALTH_BROADCAST_INTERVAL_MS", "100"),
        ("BELLWETHER_REPORTERS_HEALTH", "false"),
        ("BELLWETHER_HEALTH_MONITORING_CHECK_INTERVAL_MS", "200"),
        ("BELLWETHER_HEALTH_QUEUE_MESSAGES", "7"),
        ("BELLWETHER_ALERTING_VOLUME_FLOOR", "8"),
        ("BELLWETHER_ALERTS_QUEUE_MESSAGES", "9"),
    ])
    .unwrap();
    let config = Config::resolve(layer).unwrap();
    let integration = &config.integration;
    assert!(!integration.enabled && !integration.report_health && integration.report_metrics);
    assert_eq!(integration.health_interval, Duration::from_millis(100));
    assert_eq!(integration.health_monitoring.check_interval, Duration::from_millis(200));
    assert_eq!(integration.alerting.volume_floor, 8);
    let queue = |instance: Instance| config.instances[instance.index()].queue_messages;
    assert_eq!((queue(Instance::Health), queue(Instance::Alerts)), (7, 9));
}

#[test]
fn has_the_defaults_that_are_written_down() {
    assert!(Config::resolve(Layer::default()).unwrap().integration.enabled);
    assert!(!local().integration.enabled);
    let integration = local().integration;
    let monitoring = integration.health_monitoring;
    let seconds = Duration::from_secs;
    assert_eq!(
        (integration.health_interval, integration.metrics_interval),
        (seconds(30), seconds(60))
    );
    assert!(monitoring.enabled && monitoring.circuit_breaker_enabled);
    assert_eq!(
        (monitoring.check_interval, monitoring.summary_interval),
        (seconds(5), seconds(30))
    );
    assert_eq!(
        (monitoring.expire_after, monitoring.open_for),
        (seconds(300), seconds(60))
    );
    let counts = [
        monitoring.unhealthy_threshold,
        monitoring.failure_threshold,
        monitoring.throttle_per_second,
        integration.alerting.failed_publications,
        integration.alerting.volume_factor,
    ];
    assert_eq!(counts.map(|count| count.get()), [3, 5, 10, 10, 10]);
    assert_eq!(
        (integration.alerting.dedupe_for, integration.alerting.escalate_after),
        (seconds(300), seconds(900))
    );
    assert_eq!(integration.alerting.volume_floor, 1_000);
}

#[test]
fn with_a_number_out_of_bounds_is_refused_by_line_and_its_bounds_are_accepted() {
    for definition in DEFINITIONS.iter().filter(|definition| definition.form() != Form::Flag) {
        let Bounds { key, min, max, unit } = definition.bounds;
        let with = |value: u64| {
            let layer = file(&text(definition, &value.to_string())).unwrap();
            Config::resolve(layer.over(other_percentage(key)))
        };
        // At 1 nothing is below, and at 100 nothing above.
        let inner = match key {
            "reporters.resource_warning_percent" => [min, max - 1],
            "reporters.resource_critical_percent" => [min + 1, max],
            _ => [min, max],
        };
        for value in inner {
            with(value).unwrap();
        }
        for value in [min.checked_sub(1), Some(max + 1)].into_iter().flatten() {
            let words = refusal(with(value));
            let expected = format!("bellwether.toml:3: `{key}` is {value}, but must be between {min} and {max} {unit}");
            assert_eq!(words, expected);
        }
    }
}

#[test]
fn with_bounds_that_are_written_down() {
    for (key, min, max) in [
        ("integration.health_broadcast_interval_ms", 100, 3_600_000),
        ("integration.metrics_broadcast_interval_ms", 100, 3_600_000),
        ("reporters.resource_warning_percent", 1, 100),
        ("reporters.resource_critical_percent", 1, 100),
        ("health_monitoring.check_interval_ms", 100, 3_600_000),
        ("health_monitoring.unhealthy_threshold", 1, 1_000),
        ("alerting.dedupe_ms", 0, 86_400_000),
        ("alerting.escalate_after_ms", 1_000, 604_800_000),
    ] {
        let bounds = &Definition::of(key).unwrap().bounds;
        assert_eq!((bounds.min, bounds.max), (min, max), "{key}");
    }
}

#[test]
fn set_by_a_program_is_judged_as_well() {
    let refused = |change: fn(&mut IntegrationSettings)| {
        let mut config = local();
        change(&mut config.integration);
        refusal(config.check())
    };
    let words = refused(|s| s.health_interval = Duration::from_micros(99_999));
    assert!(
        words.starts_with("`integration.health_broadcast_interval_ms` is 99, but must"),
        "{words}"
    );
    let words = refused(|s| s.metrics_interval = Duration::MAX);
    assert!(
        words.starts_with("`integration.metrics_broadcast_interval_ms` is "),
        "{words}"
    );
    let words = refused(|s| s.resource_warning = f64::NAN);
    assert!(
        words.starts_with("`reporters.resource_warning_percent` is NaN, but must be"),
        "{words}"
    );
    let words = refused(|s| s.health_monitoring.unhealthy_threshold = std::num::NonZeroU32::MAX);
    assert!(
        words.starts_with("`health_monitoring.unhealthy_threshold` is 4294967295"),
        "{words}"
    );
    let words = refused(|s| s.thresholds.push(ThresholdRule::new("", "m", ThresholdKind::Max)));
    assert!(words.starts_with("`thresholds.id`: this text has 0 bytes"), "{words}");
}

#[test]
fn warns_below_what_is_critical() {
    let end = "`reporters.resource_warning_percent` must be below `reporters.resource_critical_percent`";
    for (text, start) in [
        (
            "[reporters]\nresource_warning_percent = 90",
            "bellwether.toml:2: `reporters.resource_warning_percent`: resources warn at 90 percent and are critical \
             at 90; ",
        ),
        (
            "[reporters]\nresource_critical_percent = 70.5",
            "bellwether.toml:2: `reporters.resource_critical_percent`: resources warn at 75 percent and are critical \
             at 70.5; ",
        ),
    ] {
        assert_eq!(refusal(resolve(text)), format!("{start}{end}"));
    }
    resolve("[reporters]\nresource_warning_percent = 89.9").unwrap();
}

#[test]
fn of_the_wrong_type_is_refused() {
    for (text, words) in [
        (
            "[integration]\nenabled = \"yes\"",
            "2: `integration.enabled` must be true or false, without quotes, found a text",
        ),
        (
            "[reporters]\nresource_warning_percent = \"75\"",
            "2: `reporters.resource_warning_percent` must be a number without quotes, found a text",
        ),
        (
            "[alerting]\ndedupe_ms = 1.5",
            "2: `alerting.dedupe_ms` must be a whole number without quotes, 0 or more, found the number 1.5",
        ),
        (
            "reporters = true",
            "1: `reporters` must be a table, [reporters] with settings below it, found true",
        ),
    ] {
        assert_eq!(refusal(file(text)), format!("bellwether.toml:{words}"));
    }
    for (name, value, expected) in [
        ("INTEGRATION_ENABLED", "yes", "true or false"),
        ("REPORTERS_RESOURCE_WARNING_PERCENT", "much", "a number"),
        ("ALERTING_DEDUPE_MS", "1.5", "a whole number, 0 or more"),
    ] {
        let name = format!("BELLWETHER_{name}");
        let words = refusal(environment(&[(&name, value)]));
        assert_eq!(words, format!("{name} must be {expected}, found `{value}`"));
    }
}

#[test]
fn with_an_unknown_key_is_refused_with_the_right_one() {
    for (text, words) in [
        (
            "[integration]\nenable = true",
            "2: unknown key `integration.enable`; did you mean `integration.enabled`?",
        ),
        (
            "[integrations]\nenabled = true",
            "1: unknown key `integrations`; did you mean `integration`?",
        ),
        (
            "[threshold]\nid = 1",
            "1: unknown key `threshold`; did you mean `thresholds`?",
        ),
        (
            "[integration]\nhealth = true",
            "2: unknown key `integration.health`; there is `reporters.health`",
        ),
        (
            "enabled = true",
            "1: unknown key `enabled`; there is `integration.enabled` and `health_monitoring.enabled`",
        ),
        (
            "[alerting]\nqueue_bytes = 1",
            "2: unknown key `alerting.queue_bytes`; it belongs in the table of an instance, such as \
             `instances.events.queue_bytes`",
        ),
        (
            "[reporters]\nlisten = \"a\"",
            "2: unknown key `reporters.listen`; `listen` belongs above the first [table] of the file",
        ),
        (
            "[integration.reporters]\nhealth = true",
            "1: unknown key `integration.reporters`; the table is [reporters], and stands in no other",
        ),
        (
            "[health]\nenabled = true",
            "1: unknown key `health`; the table of that instance is `instances.health`, and its reporter is \
             `reporters.health`",
        ),
        (
            "[instances.health]\ncheck_interval_ms = 1",
            "2: unknown key `instances.health.check_interval_ms`; there is `health_monitoring.check_interval_ms`",
        ),
    ] {
        assert_eq!(refusal(file(text)), format!("bellwether.toml:{words}"));
    }
}

#[test]
fn with_an_unknown_variable_is_refused_with_the_nearest() {
    for (given, nearest) in [
        (
            "HEALTH_MONITORING_CHECK_INTERVAL",
            "HEALTH_MONITORING_CHECK_INTERVAL_MS",
        ),
        ("HEALTH_CHECK_INTERVAL_MS", "HEALTH_MONITORING_CHECK_INTERVAL_MS"),
        ("ALERTS_VOLUME_FACTOR", "ALERTING_VOLUME_FACTOR"),
        ("HEALTH_QUEUE_MESSAGE", "HEALTH_QUEUE_MESSAGES"),
    ] {
        let words = refusal(environment(&[(&format!("BELLWETHER_{given}"), "1")]));
        assert_eq!(
            words,
            format!("unknown environment variable BELLWETHER_{given}; did you mean `BELLWETHER_{nearest}`?")
        );
    }
    let words = refusal(environment(&[("BELLWETHER_THRESHOLDS", "1")]));
    assert!(words.ends_with("in a table [[thresholds]]"), "{words}");
}

#[test]
fn is_shown_and_resolves_to_itself() {
    let shown =
        Config::resolve(file("[alerting]\nvolume_floor = 0\n[reporters]\nresource_warning_percent = 74.5").unwrap())
            .unwrap()
            .to_toml();
    for line in [
        "[integration]",
        "enabled = true",
        "volume_floor = 0  # bellwether.toml:2",
        "resource_warning_percent = 74.5  # bellwether.toml:4",
        "resource_critical_percent = 90.0",
        "# thresholds: none",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    // Every flag the other way and every number at a bound.
    let mut config = local();
    for definition in &DEFINITIONS {
        let value = match definition.read(&config.integration) {
            Value::Flag(on) => Value::Flag(!on),
            Value::Number(_) => Value::Number(definition.bounds.max),
            Value::Decimal(number) => Value::Decimal(number / 3.0),
        };
        definition
            .write(&mut config.integration, value, || unreachable!("within bounds"))
            .unwrap();
    }
    let again = Config::resolve(file(&config.to_toml()).unwrap()).unwrap();
    assert_eq!(again.integration, config.integration);
}
