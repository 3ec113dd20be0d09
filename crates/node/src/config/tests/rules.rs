use super::*;

#[test]
fn a_number_out_of_bounds_is_refused_by_line_and_its_bounds_are_accepted() {
    for (key, min, max) in [("gossip_interval_ms", 50, 10_000), ("drain_timeout_ms", 0, 3_600_000)] {
        for value in [min, max] {
            resolve(&format!("{key} = {value}")).unwrap();
        }
        for value in [u64::checked_sub(min, 1), Some(max + 1)].into_iter().flatten() {
            let words = refusal(resolve(&format!("\n{key} = {value}")));
            let expected =
                format!("bellwether.toml:2: `{key}` is {value}, but must be between {min} and {max} milliseconds");
            assert_eq!(words, expected);
        }
    }
}

#[test]
fn an_instance_number_out_of_bounds_is_refused_by_line_and_its_bounds_are_accepted() {
    for Bounds { key, min, max, unit } in &INSTANCE_BOUNDS {
        // The others leave room for any payload, and any store for the payload.
        let rest = if *key == "max_payload_bytes" {
            "queue_bytes = 16777216\nbacklog_bytes = 16777216"
        } else {
            "max_payload_bytes = 1"
        };
        let with = |value: u64| resolve(&format!("[instances.audit]\n{rest}\n\n{key} = {value}"));
        for value in [min, max] {
            with(*value).unwrap();
        }
        for value in [min - 1, max + 1] {
            let words = refusal(with(value));
            assert!(words.starts_with("bellwether.toml:"), "{words}");
            let end = format!("`instances.audit.{key}` is {value}, but must be between {min} and {max} {unit}");
            assert!(words.ends_with(&end), "{words}");
        }
    }
}

#[test]
fn a_number_from_a_variable_or_a_flag_is_named_by_it() {
    let words = refusal(Config::resolve(
        environment(&[("BELLWETHER_GOSSIP_INTERVAL_MS", "1")]).unwrap(),
    ));
    assert!(words.starts_with("BELLWETHER_GOSSIP_INTERVAL_MS is 1, "), "{words}");
    let flags = Layer {
        gossip_interval_ms: Some(1),
        ..Layer::default()
    };
    assert!(refusal(Config::resolve(flags.clone().as_flags())).starts_with("--gossip-interval-ms is 1, "));
    assert!(refusal(Config::resolve(flags)).starts_with("`gossip_interval_ms` is 1, "));
}

#[test]
fn queue_and_backlog_must_hold_the_largest_payload() {
    for key in ["queue_bytes", "backlog_bytes"] {
        let words = refusal(resolve(&format!(
            "[instances.audit]\nmax_payload_bytes = 65537\n{key} = 65536"
        )));
        assert!(
            words.starts_with(&format!(
                "bellwether.toml:3: `instances.audit.{key}` is 65536 bytes, less "
            )),
            "{words}"
        );
        assert!(words.contains("`max_payload_bytes` is 65537"), "{words}");
        resolve(&format!("[instances.audit]\nmax_payload_bytes = 65536\n{key} = 65536")).unwrap();
    }
}

#[test]
fn a_name_that_cannot_be_a_node_id_is_refused_with_the_rule() {
    let error = resolve("\nname = \"Not A Name\"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "bellwether.toml:2: `name`: `Not A Name` cannot be the name of a node"
    );
    assert!(error.source().is_some());
}

#[test]
fn a_cluster_name_is_1_to_64_letters_digits_and_dashes() {
    for cluster in ["a", "lab-2", &"x".repeat(64)] {
        assert_eq!(resolve(&format!("cluster = \"{cluster}\"")).unwrap().cluster, cluster);
    }
    for cluster in ["", "Lab", "lab.2", "lab_2", "läb", &"x".repeat(65)] {
        let words = refusal(resolve(&format!("cluster = \"{cluster}\"")));
        assert!(
            words.starts_with(&format!("bellwether.toml:1: `cluster`: `{cluster}` cannot be ")),
            "{words}"
        );
    }
}

#[test]
fn addresses_are_numbers_or_names_with_a_port() {
    let config = resolve("listen = \"localhost:0\"\nadvertise = \"[2001:db8::1]:7400\"\nhttp = \"[::1]:80\"").unwrap();
    assert!(config.listen.ip().is_loopback());
    assert_eq!(config.advertise, Some("[2001:db8::1]:7400".parse().unwrap()));
    assert_eq!(config.http, Some("[::1]:80".parse().unwrap()));
}

#[test]
fn a_malformed_address_is_refused_with_its_problem() {
    for key in ["listen", "advertise", "http"] {
        let words = refusal(resolve(&format!("{key} = \"127.0.0.1\"")));
        let end = "`127.0.0.1` is not an address: the port is missing; write HOST:PORT, IP:PORT or [IPv6]:PORT";
        assert_eq!(words, format!("bellwether.toml:1: `{key}`: {end}"));
    }
}

#[test]
fn an_address_whose_name_does_not_resolve_is_refused() {
    // RFC 6761 keeps `invalid` free of names.
    let error = resolve("listen = \"no-such-host.invalid:7400\"").unwrap_err();
    assert!(error.source().is_some());
    let words = error.to_string();
    assert!(
        words.contains("`listen`: cannot find the address of `no-such-host.invalid:7400`"),
        "{words}"
    );
}

#[test]
fn a_malformed_seed_is_refused_by_the_line_it_stands_on() {
    let words = refusal(resolve("seeds = [\n  \"b:7400\",\n  \"c:0\",\n]"));
    assert!(
        words.starts_with("bellwether.toml:3: `seeds`: `c:0` is not an address: the port must be "),
        "{words}"
    );
    let layer = environment(&[("SECRET_KEY_BASE", SECRET), ("BELLWETHER_SEEDS", "b:7400,")]).unwrap();
    let words = refusal(Config::resolve(layer));
    assert!(words.starts_with("BELLWETHER_SEEDS: `` is not an address"), "{words}");
}

#[test]
fn a_seed_whose_name_does_not_resolve_is_accepted() {
    assert_eq!(
        resolve("seeds = [\"no-such-host.invalid:7400\"]").unwrap().seeds.len(),
        1
    );
}

#[test]
fn seeds_need_a_secret() {
    let words = refusal(Config::resolve(file("\nseeds = [\"b:7400\"]").unwrap()));
    assert!(
        words.starts_with("bellwether.toml:2: `seeds` asks to join other nodes, which needs"),
        "{words}"
    );
    assert!(
        words.contains("SECRET_KEY_BASE") && words.contains("bellwether secret new"),
        "{words}"
    );
}

#[test]
fn listening_beyond_this_host_needs_a_secret() {
    for listen in ["10.0.0.1:7400", "0.0.0.0:7400", "[::]:7400", "[::ffff:10.0.0.1]:7400"] {
        let layer = environment(&[("BELLWETHER_LISTEN", listen)]).unwrap();
        let words = refusal(Config::resolve(layer));
        assert!(
            words.starts_with("BELLWETHER_LISTEN is open to other hosts, which needs"),
            "{words}"
        );
        assert!(
            words.contains("SECRET_KEY_BASE") && words.contains("bellwether secret new"),
            "{words}"
        );
    }
    for listen in ["127.0.0.2:7400", "[::1]:7400", "[::ffff:127.0.0.1]:7400"] {
        Config::resolve(environment(&[("BELLWETHER_LISTEN", listen)]).unwrap()).unwrap();
    }
}

#[test]
fn listening_on_every_address_needs_one_to_advertise() {
    for listen in ["0.0.0.0:7400", "[::]:7400", "[::ffff:0.0.0.0]:7400"] {
        let words = refusal(resolve(&format!("listen = \"{listen}\"")));
        assert!(
            words.starts_with("bellwether.toml:1: `listen` is ") && words.contains("--advertise"),
            "{words}"
        );
        resolve(&format!("listen = \"{listen}\"\nadvertise = \"192.0.2.1:7400\"")).unwrap();
    }
}

#[test]
fn an_address_that_nobody_can_dial_is_not_advertised() {
    for advertise in ["0.0.0.0:7400", "[::]:7400", "192.0.2.1:0"] {
        let words = refusal(resolve(&format!("advertise = \"{advertise}\"")));
        assert!(words.contains(&format!("others cannot reach `{advertise}`")), "{words}");
    }
}

#[test]
fn hold_for_a_program_as_well() {
    let mut config = local();
    config.seeds = vec!["b:7400".to_owned()];
    assert!(refusal(config.check()).starts_with("`seeds` asks to join other nodes"));
    config.secrets = Secrets::new([SECRET]).unwrap();
    config.check().unwrap();
    config.seeds = vec!["b".to_owned()];
    assert!(refusal(config.check()).starts_with("`seeds`: `b` is not an address"));
}

#[test]
fn a_policy_that_there_is_not_is_refused_with_those_that_there_are() {
    let words = refusal(resolve("[instances.events]\noverflow = \"drop_newest\""));
    assert_eq!(
        words,
        "bellwether.toml:2: `instances.events.overflow`: `drop_newest` is no policy; write `drop_oldest` or `disconnect`"
    );
    let layer = environment(&[("BELLWETHER_AUDIT_OVERFLOW", "")]).unwrap();
    assert_eq!(
        refusal(Config::resolve(layer)),
        "BELLWETHER_AUDIT_OVERFLOW: `` is no policy; write `drop_oldest` or `disconnect`"
    );
}
