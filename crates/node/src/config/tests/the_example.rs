use bellwether_monitor::threshold::{ThresholdKind, ThresholdRule};

use super::*;

/// With every `#key` and `#[table]` uncommented. Prose has a space after its `#`.
fn enabled() -> String {
    let enable = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned() + "\n",
        _ => line.to_owned() + "\n",
    };
    EXAMPLE.lines().map(enable).collect()
}

#[test]
fn changes_nothing_as_it_is() {
    let layer = file(EXAMPLE).unwrap();
    assert_eq!(layer.origins, Origins::default());
}

#[test]
fn has_every_key() {
    let layer = file(&enabled()).unwrap();
    let missing = |key: &str| layer.origins.of(key) == Origin::Program;
    let keys = layer::KEYS.into_iter().map(str::to_owned);
    let keys = keys.chain(layer::INSTANCE_KEYS.map(|key| layer::instance_key(Instance::Events, key)));
    let keys = keys.chain(DEFINITIONS.iter().map(|definition| definition.key().to_owned()));
    assert_eq!(
        keys.filter(|key| missing(key)).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    for key in thresholds::THRESHOLD_KEYS {
        let key = thresholds::threshold_key(0, key);
        assert!(layer.origins.exactly(&key).is_some(), "{key}");
    }
    for key in access::ACCESS_KEYS {
        let key = format!("access.{key}");
        assert!(layer.origins.exactly(&key).is_some(), "{key}");
    }
    for key in access::PRINCIPAL_KEYS {
        let key = format!("access.principals[0].{key}");
        assert!(layer.origins.exactly(&key).is_some(), "{key}");
    }
    for bounds in &access::LIMIT_BOUNDS {
        let key = access::limit_key(bounds.key);
        assert!(layer.origins.exactly(&key).is_some(), "{key}");
        let words = explanation("[limits]", bounds.key);
        assert!(
            words.contains(&format!(", {} to {}", bounds.min, bounds.max)),
            "{words}"
        );
    }
    assert!(Instance::ALL.iter().all(|instance| EXAMPLE.contains(instance.name())));
}

#[test]
fn states_the_defaults() {
    let mut layer = file(&enabled()).unwrap();
    layer.secret = None;
    let example = Config::resolve(layer).unwrap();
    let default = Config::resolve(Layer::default()).unwrap();
    assert_eq!(example.cluster, default.cluster);
    assert_eq!((example.listen, example.http), (default.listen, default.http));
    assert_eq!(example.seeds, default.seeds);
    assert_eq!(example.gossip_interval, default.gossip_interval);
    assert_eq!(example.drain_timeout, default.drain_timeout);
    let events = Instance::Events.index();
    assert_eq!(numbers(&example.instances[events]), numbers(&default.instances[events]));

    let mut integration = example.integration.clone();
    let threshold = integration.thresholds.pop().unwrap();
    assert_eq!(integration, default.integration);
    let default = ThresholdRule::new("a", "a", ThresholdKind::Max);
    assert_eq!(
        (threshold.sustained, threshold.hysteresis),
        (default.sustained, default.hysteresis)
    );
}

#[test]
fn states_the_bounds() {
    for Bounds { key, min, max, .. } in INSTANCE_BOUNDS.iter().chain([&GOSSIP_INTERVAL, &DRAIN_TIMEOUT]) {
        assert!(EXAMPLE.contains(&format!("{min} to {max}")), "{key}");
    }
}

/// The words above `#key = `, in the table whose header is `table`.
fn explanation(table: &str, key: &str) -> &'static str {
    let (_, table) = EXAMPLE
        .split_once(&format!("\n#{table}\n"))
        .expect("the table is there");
    let (before, _) = table.split_once(&format!("\n#{key} = ")).expect("the key is there");
    before.rsplit("\n\n").next().unwrap()
}

#[test]
fn states_the_bounds_of_each_setting_of_a_table_above_it() {
    for definition in &DEFINITIONS {
        let Bounds { min, max, .. } = definition.bounds;
        let words = explanation(&format!("[{}]", definition.table()), definition.name());
        let range = format!(", {min} to {max}");
        // No longer number that begins alike.
        let stated = words
            .split_once(&range)
            .is_some_and(|(_, rest)| !rest.starts_with(|c: char| c.is_ascii_digit()));
        assert!(
            stated || definition.form() == definition::Form::Flag,
            "{}: {words}",
            definition.key()
        );
    }
    for Bounds { key, min, max, .. } in [&thresholds::SUSTAINED, &thresholds::HYSTERESIS] {
        let words = explanation("[[thresholds]]", key);
        assert!(words.contains(&format!(", {min} to {max}.")), "{key}: {words}");
    }
    assert!(EXAMPLE.contains(&format!("There may be {}", bellwether_monitor::threshold::MAX_RULES)));
}
