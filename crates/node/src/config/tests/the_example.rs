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
    assert_eq!(
        keys.filter(|key| missing(key)).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
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
}

#[test]
fn states_the_bounds() {
    for Bounds { key, min, max, .. } in INSTANCE_BOUNDS.iter().chain([&GOSSIP_INTERVAL, &DRAIN_TIMEOUT]) {
        assert!(EXAMPLE.contains(&format!("{min} to {max}")), "{key}");
    }
}
