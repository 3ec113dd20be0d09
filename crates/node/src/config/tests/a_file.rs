use super::*;

#[test]
fn gives_every_key() {
    let layer = file(
        r#"
        name = "a"
        cluster = "lab"
        listen = "10.0.0.1:7400"
        advertise = "192.0.2.1:7400"
        http = "off"
        seeds = ["b:7400", "c:7400"]
        data_dir = "/srv/a"
        secret_file = "/run/secrets/a"
        gossip_interval_ms = 1_000
        drain_timeout_ms = 0x10
        [instances.metrics]
        backlog_messages = 1
        backlog_bytes = 2
        backlog_age_s = 3
        queue_messages = 4
        queue_bytes = 5
        max_payload_bytes = 6
        overflow = "disconnect"
        "#,
    )
    .unwrap();
    assert_eq!(layer.name.as_deref(), Some("a"));
    assert_eq!(layer.cluster.as_deref(), Some("lab"));
    assert_eq!(layer.listen.as_deref(), Some("10.0.0.1:7400"));
    assert_eq!(layer.advertise.as_deref(), Some("192.0.2.1:7400"));
    assert_eq!(layer.http.as_deref(), Some("off"));
    assert_eq!(layer.seeds, Some(vec!["b:7400".to_owned(), "c:7400".to_owned()]));
    assert_eq!(layer.data_dir.as_deref(), Some(Path::new("/srv/a")));
    assert!(matches!(&layer.secret, Some(SecretSource::File(path)) if path == Path::new("/run/secrets/a")));
    assert_eq!(
        (layer.gossip_interval_ms, layer.drain_timeout_ms),
        (Some(1_000), Some(16))
    );
    let metrics = InstanceLayer {
        backlog_messages: Some(1),
        backlog_bytes: Some(2),
        backlog_age_s: Some(3),
        queue_messages: Some(4),
        queue_bytes: Some(5),
        max_payload_bytes: Some(6),
        overflow: Some("disconnect".to_owned()),
    };
    assert_eq!(
        layer.instances.into_iter().collect::<Vec<_>>(),
        [(Instance::Metrics, metrics)]
    );
}

#[test]
fn that_cannot_be_read_is_named() {
    let words = refusal(Layer::read(Path::new("/nowhere/bellwether.toml")));
    assert_eq!(words, "cannot read the configuration file /nowhere/bellwether.toml");
}

#[test]
fn that_is_not_toml_is_refused_by_line_and_not_quoted() {
    for (text, line) in [
        ("name = \"a\"\n\nsecret = \"hunter2\n", 3),
        ("name = \"a\"\r\nlisten = hunter2\r\n", 2),
        ("name = \"a\"\nname = \"b\"", 2),
        ("[instances.events\n", 1),
        ("= 3", 1),
    ] {
        let words = refusal(file(text));
        assert!(
            words.starts_with(&format!("bellwether.toml:{line}: this is not valid TOML: ")),
            "{words}"
        );
        assert!(!words.contains("hunter2"), "{words}");
    }
}

#[test]
fn with_an_unknown_key_is_refused_with_line_and_nearest_key() {
    for (text, words) in [
        (
            "name = \"a\"\n\nlissten = \"x\"",
            "3: unknown key `lissten`; did you mean `listen`?",
        ),
        ("# é\r\n\r\nseed = []", "3: unknown key `seed`; did you mean `seeds`?"),
        (
            "gossip_interval = 5",
            "1: unknown key `gossip_interval`; did you mean `gossip_interval_ms`?",
        ),
        (
            "secret_key_base = \"x\"",
            "1: unknown key `secret_key_base`; did you mean `secret_file`?",
        ),
        (
            "instance.events.queue_bytes = 1",
            "1: unknown key `instance`; did you mean `instances`?",
        ),
        (
            "[instances.events]\nbacklog_age_s = 9\nquue_bytes = 1",
            "3: unknown key `instances.events.quue_bytes`; did you mean `instances.events.queue_bytes`?",
        ),
        (
            "instances = { audit = { max_payload = 1 } }",
            "1: unknown key `instances.audit.max_payload`; did you mean `instances.audit.max_payload_bytes`?",
        ),
    ] {
        assert_eq!(refusal(file(text)), format!("bellwether.toml:{words}"));
    }
}

#[test]
fn with_a_key_like_no_other_is_answered_with_all_keys() {
    let words = refusal(file("zzz = 1"));
    for key in layer::KEYS {
        assert!(words.contains(key), "{words}");
    }
}

#[test]
fn with_a_key_in_the_wrong_table_is_told_the_right_one() {
    let words = refusal(file("[instances.events]\nqueue_messages = 1\nlisten = \"127.0.0.1:1\""));
    assert!(
        words.ends_with("`listen` belongs above the first [table] of the file"),
        "{words}"
    );
    let words = refusal(file("queue_bytes = 1"));
    assert!(words.ends_with("such as `instances.events.queue_bytes`"), "{words}");
    let words = refusal(file("[alerts]\nqueue_bytes = 1"));
    assert!(
        words.ends_with("the table of that instance is `instances.alerts`"),
        "{words}"
    );
}

#[test]
fn with_an_unknown_instance_is_refused_with_the_nearest() {
    let words = refusal(file("name = \"a\"\n[instances.evnets]\nqueue_bytes = 1"));
    assert_eq!(
        words,
        "bellwether.toml:2: there is no instance `evnets`; did you mean `events`?"
    );
    let words = refusal(file("[instances.ex_esdb_audit]"));
    assert!(words.ends_with("did you mean `audit`?"), "{words}");
    let words = refusal(file("[instances.zzz]"));
    assert!(
        Instance::ALL.iter().all(|instance| words.contains(instance.name())),
        "{words}"
    );
}

#[test]
fn with_a_value_of_the_wrong_type_is_refused_by_line() {
    for (text, words) in [
        (
            "\nlisten = 7400",
            "2: `listen` must be a text in quotes, found the number 7400",
        ),
        ("data_dir = true", "1: `data_dir` must be a text in quotes, found true"),
        (
            "seeds = \"a:1\"",
            "1: `seeds` must be a list of texts, [\"…\", \"…\"], found a text",
        ),
        (
            "seeds = [\n\"a:1\",\n2,\n]",
            "3: `seeds` must be a text in quotes, found the number 2",
        ),
        (
            "\ndrain_timeout_ms = \"1s\"",
            "2: `drain_timeout_ms` must be a whole number without quotes, 0 or more, found a text",
        ),
        (
            "drain_timeout_ms = -1",
            "1: `drain_timeout_ms` must be a whole number without quotes, 0 or more, found the number -1",
        ),
        (
            "drain_timeout_ms = 1.5",
            "1: `drain_timeout_ms` must be a whole number without quotes, 0 or more, found the number 1.5",
        ),
        (
            "drain_timeout_ms = 99999999999999999999",
            "1: `drain_timeout_ms` must be a whole number without quotes, 0 or more, found the number \
             99999999999999999999",
        ),
        (
            "instances = []",
            "1: `instances` must be a table, [instances.NAME] with settings below it, found a list",
        ),
        (
            "[instances]\nevents = 2020-01-01",
            "2: `instances.events` must be a table, [instances.NAME] with settings below it, found a date or time",
        ),
        (
            "[instances.events]\nqueue_bytes = {}",
            "2: `instances.events.queue_bytes` must be a whole number without quotes, 0 or more, found a table",
        ),
        (
            "[instances.events]\noverflow = true",
            "2: `instances.events.overflow` must be a text in quotes, found true",
        ),
    ] {
        assert_eq!(refusal(file(text)), format!("bellwether.toml:{words}"), "{text}");
    }
}

#[test]
fn with_two_mistakes_is_told_the_first() {
    assert!(refusal(file("zzz = 1\nadvertise = 2")).starts_with("bellwether.toml:1:"));
}
