use super::*;

#[test]
fn rise_from_file_to_environment_to_flags() {
    let weak = file("name = \"f\"\ncluster = \"f\"\nhttp = \"127.0.0.1:1\"").unwrap();
    let middle = environment(&[("BELLWETHER_CLUSTER", "e"), ("BELLWETHER_HTTP", "127.0.0.1:2")]).unwrap();
    let strong = Layer {
        http: Some("127.0.0.1:3".to_owned()),
        ..Layer::default()
    }
    .as_flags();
    let config = Config::resolve(strong.over(middle).over(weak)).unwrap();
    assert_eq!((config.name.to_string().as_str(), config.cluster.as_str()), ("f", "e"));
    assert_eq!(config.http, Some("127.0.0.1:3".parse().unwrap()));
    assert_eq!(
        config.origin("name"),
        Origin::File {
            file: "bellwether.toml".into(),
            line: 1
        }
    );
    assert_eq!(
        config.origin("cluster"),
        Origin::Variable("BELLWETHER_CLUSTER".to_owned())
    );
    assert_eq!(config.origin("http"), Origin::Flag("--http".to_owned()));
    assert_eq!(config.origin("listen"), Origin::Program);
}

#[test]
fn merge_an_instance_key_by_key() {
    let events = InstanceLayer {
        queue_bytes: Some(1 << 21),
        ..InstanceLayer::default()
    };
    let strong = Layer {
        instances: [(Instance::Events, events)].into(),
        ..Layer::default()
    }
    .as_flags();
    let weak = file("[instances.events]\nqueue_bytes = 4194304\nqueue_messages = 7").unwrap();
    let config = Config::resolve(strong.over(weak)).unwrap();
    let events = config.instances[Instance::Events.index()];
    assert_eq!((events.queue_bytes, events.queue_messages), (1 << 21, 7));
    assert_eq!(
        config.origin("instances.events.queue_bytes"),
        Origin::Flag("--instances-events-queue-bytes".to_owned())
    );
    assert_eq!(
        config.origin("instances.events.queue_messages"),
        Origin::File {
            file: "bellwether.toml".into(),
            line: 3
        }
    );
}

#[test]
fn replace_the_list_of_seeds_with_its_origins() {
    let weak = file("seeds = [\"b:7400\",\n\"c:7400\"]\nsecret_file = \"/nowhere\"").unwrap();
    let middle = environment(&[("SECRET_KEY_BASE", SECRET)]).unwrap();
    let strong = Layer {
        seeds: Some(vec!["d:1".to_owned(), "e".to_owned()]),
        ..Layer::default()
    }
    .as_flags();
    let words = refusal(Config::resolve(strong.over(middle).over(weak)));
    assert!(words.starts_with("--seed: `e` is not an address"), "{words}");
}

#[test]
fn take_the_secret_of_the_environment_before_that_of_the_file() {
    let weak = || file("secret_file = \"/nowhere/file\"").unwrap();
    let config = Config::resolve(environment(&[("SECRET_KEY_BASE", SECRET)]).unwrap().over(weak())).unwrap();
    assert_eq!(config.secrets.len(), 1);
    let words = refusal(Config::resolve(weak()));
    assert_eq!(words, "cannot read the secret file /nowhere/file");
    let middle = environment(&[("SECRET_KEY_BASE_FILE", "/nowhere/environment")]).unwrap();
    assert_eq!(
        refusal(Config::resolve(middle.over(weak()))),
        "cannot read the secret file /nowhere/environment"
    );
}

#[test]
fn that_lose_are_not_judged() {
    let weak = file("gossip_interval_ms = 1").unwrap();
    let strong = Layer {
        gossip_interval_ms: Some(100),
        ..Layer::default()
    };
    assert!(Config::resolve(strong.over(weak)).is_ok());
}

#[test]
fn do_not_show_a_secret_in_debug() {
    let layer = environment(&[("SECRET_KEY_BASE", SECRET)]).unwrap();
    assert!(!format!("{layer:?}").contains(SECRET));
    assert!(!format!("{:?}", Config::resolve(layer).unwrap()).contains(SECRET));
}
