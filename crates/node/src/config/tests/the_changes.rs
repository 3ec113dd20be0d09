use std::collections::BTreeSet;

use super::*;
use crate::config::definition::Value;

fn changes(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    let changes = resolve(old).unwrap().changes(&resolve(new).unwrap());
    (changes.live, changes.at_restart)
}

#[test]
fn of_the_same_there_are_none() {
    let text = "listen = \"127.0.0.1:1\"\n[access]\nanonymous = [\"look\"]";
    let config = resolve(text).unwrap();
    let changes = config.changes(&resolve(&format!("# another line\n{text}")).unwrap());
    assert_eq!((changes.live.len(), changes.at_restart.len()), (0, 0));
    // Every key above the tables but the secrets, the lists, seven of each instance, six limits, and those defined.
    assert_eq!(
        changes.unchanged,
        layer::KEYS.len() - 1 + 2 + 70 + 6 + DEFINITIONS.len()
    );
}

#[test]
fn are_told_by_their_keys_and_by_when_they_take_effect() {
    for (old, new, live, at_restart) in [
        ("", "listen = \"127.0.0.1:1\"", &[][..], &["listen"][..]),
        ("", "http_hosts = [\"a.example\"]", &["http_hosts"], &[]),
        (
            "",
            "drain_timeout_ms = 1\nlog = \"debug\"",
            &["drain_timeout_ms", "log"],
            &[],
        ),
        ("", "[access]", &["access"], &[]),
        (
            "[access]\n[[access.principals]]\nname = \"web\"",
            "[access]\n[[access.principals]]\nname = \"web\"\nlook = true",
            &["access"],
            &[],
        ),
        (
            "",
            "[limits]\nmessages_per_second = 5",
            &["limits.messages_per_second"],
            &[],
        ),
        (
            "",
            "[instances.events]\nqueue_messages = 9\noverflow = \"disconnect\"",
            &["instances.events.queue_messages", "instances.events.overflow"],
            &[],
        ),
        (
            "",
            "seeds = [\"b:1\"]\n[reporters]\nhealth = false\nsystem = false",
            &["reporters.health"],
            &["seeds", "reporters.system"],
        ),
        (
            "",
            "[[thresholds]]\nid = \"a\"\nmetric_name = \"m\"\nkind = \"max\"\nwarning = 1",
            &["thresholds"],
            &[],
        ),
        (
            "tls_certificate = \"a\"\ntls_key = \"k\"",
            "tls_certificate = \"b\"\ntls_key = \"k\"",
            &["tls_certificate"],
            &[],
        ),
        (
            "",
            "tls_certificate = \"a\"\ntls_key = \"k\"",
            &[],
            &["tls_certificate", "tls_key"],
        ),
    ] {
        let told = changes(old, new);
        let expected = [live, at_restart].map(|keys| keys.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(told, expected.clone().into(), "{old} to {new}");
        // And the way back is the same.
        assert_eq!(changes(new, old), expected.into(), "{new} to {old}");
    }
}

/// A configuration in which every setting has another value than by default.
fn everything_else() -> Config {
    let mut text = String::from(
        "name = \"b\"\ncluster = \"other\"\nlisten = \"127.0.0.1:1\"\nadvertise = \"127.0.0.1:2\"\nhttp = \"off\"\n\
         nats = \"127.0.0.1:3\"\nnats_advertise = \"off\"\nsocket = \"/s\"\ntls_certificate = \"c\"\ntls_key = \"k\"\n\
         insecure_doors = true\nhttp_hosts = [\"h\"]\nseeds = [\"b:1\"]\ndata_dir = \"/d\"\ngossip_interval_ms = 300\n\
         drain_timeout_ms = 1\nlog = \"debug\"\n\
         [[thresholds]]\nid = \"a\"\nmetric_name = \"m\"\nkind = \"max\"\nwarning = 1\n\
         [access]\nrevoked_tokens = \"/r\"\n\
         [limits]\nconnections = 1\nsubscriptions = 1\nmessages_per_second = 1\nbytes_per_second = 1\n\
         queued_bytes = 65536\npayload_bytes = 1\n",
    );
    for instance in Instance::ALL {
        text += &format!(
            "[instances.{instance}]\nbacklog_messages = 9\nbacklog_bytes = 70000\nbacklog_age_s = 9\nqueue_messages = 9\n\
             queue_bytes = 70000\nmax_payload_bytes = 9\noverflow = \"disconnect\"\n"
        );
    }
    let mut config = resolve(&text).unwrap();
    for definition in &DEFINITIONS {
        let Bounds { min, max, .. } = definition.bounds;
        let other = match definition.read(&config.integration) {
            Value::Flag(on) => Value::Flag(!on),
            Value::Number(number) => Value::Number(if number == min { max } else { min }),
            // The warning stays below what is critical.
            Value::Decimal(number) => Value::Decimal(number + 1.0),
        };
        definition
            .write(&mut config.integration, other, || unreachable!())
            .unwrap();
    }
    config.check().unwrap();
    config
}

#[test]
fn are_each_taken_over_or_left_for_a_restart() {
    let (old, new) = (resolve("").unwrap(), everything_else());
    let all = old.changes(&new);
    assert_eq!(all.unchanged, 0, "{all:?}");
    let taken = old.taking_over(&new);
    let (live, rest) = (old.changes(&taken), taken.changes(&new));
    assert_eq!((live.live, live.at_restart), (all.live, Vec::new()));
    assert_eq!((rest.live, rest.at_restart), (Vec::new(), all.at_restart));
    assert!(taken.secrets.is_same(&old.secrets));
}

#[test]
fn name_keys_that_there_are() {
    let (old, new) = (resolve("").unwrap(), everything_else());
    let all = old.changes(&new);
    let told: BTreeSet<_> = all.live.iter().chain(&all.at_restart).collect();
    assert_eq!(told.len(), all.live.len() + all.at_restart.len());
    for key in told {
        let is_table = ["access", "thresholds"].contains(&key.as_str());
        let is_key = layer::KEYS.contains(&key.as_str()) || key.contains('.');
        assert!(is_table || is_key, "{key}");
    }
}

#[test]
fn that_hold_only_together_are_found() {
    let open = "http = \"0.0.0.0:7480\"\ntls_certificate = \"c\"\ntls_key = \"k\"\n[access]";
    let old = resolve(open).unwrap();
    // Nobody may do less on loopback; but the door is still open to all until the restart.
    let new = resolve("http = \"127.0.0.1:7480\"\ntls_certificate = \"c\"\ntls_key = \"k\"").unwrap();
    let words = refusal(old.taking_over(&new).check());
    assert!(words.contains("0.0.0.0:7480 is open to other hosts"), "{words}");
}
