use super::*;

#[test]
fn gives_every_variable_and_leaves_the_others_alone() {
    let layer = environment(&[
        ("PATH", "/bin"),
        ("BELLWETHER_NAME", "a"),
        ("BELLWETHER_CLUSTER", "lab"),
        ("BELLWETHER_LISTEN", "127.0.0.1:1"),
        ("BELLWETHER_ADVERTISE", "127.0.0.1:2"),
        ("BELLWETHER_HTTP", "off"),
        ("BELLWETHER_SEEDS", "b:7400, c:7400"),
        ("BELLWETHER_DATA_DIR", "/srv/a"),
        ("BELLWETHER_GOSSIP_INTERVAL_MS", "100"),
        ("BELLWETHER_DRAIN_TIMEOUT_MS", "0"),
        ("BELLWETHER_CONFIG", "/etc/bellwether.toml"),
        ("BELLWETHER_NODE", "http://127.0.0.1:7480"),
        ("BELLWETHER_LOG", "debug"),
        ("SECRET_KEY_BASE", SECRET),
    ])
    .unwrap();
    let config = Config::resolve(layer).unwrap();
    assert_eq!(
        (config.name.to_string().as_str(), config.cluster.as_str()),
        ("a", "lab")
    );
    assert_eq!(config.listen, "127.0.0.1:1".parse().unwrap());
    assert_eq!(config.advertise, Some("127.0.0.1:2".parse().unwrap()));
    assert_eq!(config.http, None);
    assert_eq!(config.seeds, ["b:7400", "c:7400"]);
    assert_eq!(config.data_dir.as_deref(), Some(Path::new("/srv/a")));
    assert_eq!(config.gossip_interval, Duration::from_millis(100));
    assert_eq!(config.drain_timeout, Duration::ZERO);
    assert_eq!(config.log.as_deref(), Some("debug"));
    assert_eq!(config.secrets.iter().collect::<Vec<_>>(), [SECRET.as_bytes()]);
}

#[test]
fn gives_every_setting_of_every_instance() {
    for instance in Instance::ALL {
        for key in layer::INSTANCE_KEYS {
            let variable = format!("BELLWETHER_{}_{}", instance.name(), key).to_uppercase();
            let layer = environment(&[(&variable, "1")]).unwrap();
            let key = layer::instance_key(instance, key);
            assert_eq!(layer.origins.of(&key), Origin::Variable(variable));
        }
    }
    let layer = environment(&[
        ("BELLWETHER_EVENTS_OVERFLOW", "disconnect"),
        ("BELLWETHER_EVENTS_QUEUE_MESSAGES", "7"),
    ])
    .unwrap();
    let config = Config::resolve(layer.over(file("[instances.events]\nqueue_messages = 9").unwrap())).unwrap();
    let events = &config.instances[Instance::Events.index()];
    assert_eq!((events.overflow, events.queue_messages), (Overflow::Disconnect, 7));
    let words = refusal(environment(&[("BELLWETHER_EVENTS_QUEUE_MESSAGES", "many")]));
    assert_eq!(
        words,
        "BELLWETHER_EVENTS_QUEUE_MESSAGES must be a whole number, 0 or more, found `many`"
    );
}

#[test]
fn with_an_unknown_variable_is_refused_with_the_nearest() {
    let words = refusal(environment(&[("BELLWETHER_LISEN", "x")]));
    assert_eq!(
        words,
        "unknown environment variable BELLWETHER_LISEN; did you mean `BELLWETHER_LISTEN`?"
    );
    let words = refusal(environment(&[("BELLWETHER_SEED", "x")]));
    assert!(words.ends_with("did you mean `BELLWETHER_SEEDS`?"), "{words}");
    let words = refusal(environment(&[("BELLWETHER_XYZZY", "x")]));
    assert!(
        words.contains("known are BELLWETHER_NAME, BELLWETHER_CLUSTER, "),
        "{words}"
    );
    assert!(matches!(
        environment(&[("BELLWETHER_PORT", "7400")]),
        Err(ConfigError::UnknownVariable { .. })
    ));
}

/// Kubernetes sets these in every container of a namespace with services `bellwether` and `bellwether-http`.
#[test]
fn of_a_kubernetes_service_is_left_alone() {
    let layer = environment(&[
        ("BELLWETHER_SERVICE_HOST", "10.96.0.7"),
        ("BELLWETHER_SERVICE_PORT", "7480"),
        ("BELLWETHER_SERVICE_PORT_HTTP", "7480"),
        ("BELLWETHER_PORT", "tcp://10.96.0.7:7480"),
        ("BELLWETHER_PORT_7480_TCP", "tcp://10.96.0.7:7480"),
        ("BELLWETHER_PORT_7480_TCP_ADDR", "10.96.0.7"),
        ("BELLWETHER_HTTP_SERVICE_HOST", "10.96.0.8"),
        ("BELLWETHER_HTTP_PORT", "udp://10.96.0.8:7480"),
        ("BELLWETHER_HTTP_PORT_7480_UDP_PROTO", "udp"),
    ])
    .unwrap();
    assert!(layer.name.is_none() && layer.http.is_none());
}

#[test]
fn with_a_number_that_is_none_is_refused() {
    let words = refusal(environment(&[("BELLWETHER_DRAIN_TIMEOUT_MS", "10s")]));
    assert_eq!(
        words,
        "BELLWETHER_DRAIN_TIMEOUT_MS must be a whole number, 0 or more, found `10s`"
    );
}

#[test]
fn with_both_secret_variables_is_refused() {
    let words = refusal(environment(&[
        ("SECRET_KEY_BASE", SECRET),
        ("SECRET_KEY_BASE_FILE", "/run/secrets/a"),
    ]));
    assert_eq!(
        words,
        "SECRET_KEY_BASE and SECRET_KEY_BASE_FILE are both set; pick one and unset the other"
    );
}

#[test]
fn with_empty_seeds_means_none() {
    assert_eq!(
        environment(&[("BELLWETHER_SEEDS", " ")]).unwrap().seeds,
        Some(Vec::new())
    );
}

#[cfg(unix)]
#[test]
fn that_is_not_unicode_matters_only_in_our_variables() {
    use std::os::unix::ffi::OsStringExt;
    let broken = || OsString::from_vec(vec![b'a', 0xff]);
    Layer::from_environment([(OsString::from("LS_COLORS"), broken()), (broken(), broken())]).unwrap();
    let layer = Layer::from_environment([("BELLWETHER_DATA_DIR", broken())]).unwrap();
    assert_eq!(layer.data_dir, Some(broken().into()));
    let words = refusal(Layer::from_environment([("BELLWETHER_NAME", broken())]));
    assert_eq!(words, "BELLWETHER_NAME is not valid UTF-8");
}

#[test]
fn names_the_data_folder() {
    let name = NodeId::new("a").unwrap();
    let folder = |vars: &[(&str, &str)]| default_data_dir(vars.iter().copied(), &name);
    let home = ("HOME", "/home/u");
    assert_eq!(folder(&[home]), Path::new("/home/u/.local/state/bellwether/a"));
    assert_eq!(
        folder(&[home, ("XDG_STATE_HOME", "/state")]),
        Path::new("/state/bellwether/a")
    );
    assert_eq!(
        folder(&[home, ("XDG_STATE_HOME", "state")]),
        Path::new("/home/u/.local/state/bellwether/a")
    );
    assert_eq!(
        folder(&[home, ("STATE_DIRECTORY", "/var/lib/bw")]),
        Path::new("/var/lib/bw")
    );
    assert_eq!(
        folder(&[("STATE_DIRECTORY", "/var/lib/bw:/var/lib/other")]),
        Path::new("/var/lib/bw")
    );
    assert_eq!(
        folder(&[("HOME", ""), ("STATE_DIRECTORY", "")]),
        Path::new("/var/lib/bellwether/a")
    );
}
