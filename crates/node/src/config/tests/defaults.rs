use super::*;

#[test]
fn of_nothing_given_serve_this_host_only() {
    let config = Config::resolve(Layer::default()).unwrap();
    assert_eq!((config.listen, config.http), (DEFAULT_LISTEN, Some(DEFAULT_HTTP)));
    assert_eq!(
        (DEFAULT_LISTEN.to_string(), DEFAULT_HTTP.to_string()),
        ("127.0.0.1:7400".into(), "127.0.0.1:7480".into())
    );
    assert!(config.seeds.is_empty() && config.secrets.is_empty());
    assert!(config.advertise.is_none() && config.data_dir.is_none());
    assert_eq!(config.cluster, "bellwether");
    assert_eq!(
        (config.gossip_interval.as_millis(), config.drain_timeout.as_secs()),
        (200, 10)
    );
    assert!(!config.name.to_string().is_empty());
}

#[test]
fn for_a_program_are_valid_and_without_clients() {
    let config = local();
    assert_eq!(config.http, None);
    config.check().unwrap();
}

#[test]
fn of_every_instance_are_within_bounds() {
    for (settings, instance) in local().instances.iter().zip(Instance::ALL) {
        for (bounds, value) in INSTANCE_BOUNDS.iter().zip(numbers(settings)) {
            assert!(
                (bounds.min..=bounds.max).contains(&value),
                "{} of {}",
                bounds.key,
                instance.name()
            );
        }
    }
}
