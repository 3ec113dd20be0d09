use super::*;

#[test]
fn as_toml_it_resolves_to_itself() {
    let text = r#"
        name = "a"
        cluster = "lab"
        listen = "10.0.0.1:7400"
        advertise = "192.0.2.1:7400"
        http = "off"
        seeds = ["b:7400", "c:7400"]
        data_dir = "/srv/\"a\"\\b"
        gossip_interval_ms = 300
        [instances.metrics]
        queue_messages = 7
        overflow = "disconnect"
    "#;
    let shown = resolve(text).unwrap().to_toml();
    let again = resolve(&shown).unwrap();
    // The same values; now all of them come from the file.
    let without_comments = |text: &str| -> String {
        text.lines()
            .map(|line| line.split("  # ").next().unwrap_or(line).to_owned() + "\n")
            .collect()
    };
    assert_eq!(without_comments(&again.to_toml()), without_comments(&shown));
    assert_eq!(again.data_dir.as_deref(), Some(Path::new("/srv/\"a\"\\b")));
    assert_eq!(again.instances[Instance::Metrics.index()].queue_messages, 7);
    assert_eq!(
        again.instances[Instance::Metrics.index()].overflow,
        Overflow::Disconnect
    );
}

#[test]
fn it_tells_where_values_came_from() {
    let shown = resolve("cluster = \"lab\"\n[instances.audit]\nqueue_messages = 7")
        .unwrap()
        .to_toml();
    for line in [
        "cluster = \"lab\"  # bellwether.toml:1",
        "listen = \"127.0.0.1:7400\"",
        "# advertise: the listen address",
        "# secrets: 1  # SECRET_KEY_BASE",
        "queue_messages = 7  # bellwether.toml:3",
        "overflow = \"drop_oldest\"",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
}

#[test]
fn its_secrets_are_only_counted() {
    let mut config = local();
    assert!(config.to_toml().contains("\n# secrets: none\n"));
    config.secrets = Secrets::new([SECRET, &SECRET.to_uppercase()]).unwrap();
    let shown = config.to_toml();
    assert!(shown.contains("\n# secrets: 2\n") && !shown.contains(SECRET), "{shown}");
}
