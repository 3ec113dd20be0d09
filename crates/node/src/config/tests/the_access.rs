use bellwether_access::{Access, Credentials};
use bellwether_message::Timestamp;

use super::*;

const EXAMPLE: &str = r#"
[limits]
messages_per_second = 5

[access]
anonymous = ["look", "publish metrics:*"]
revoked_tokens = "/etc/revoked"

[[access.principals]]
name = "collector"
uid = [1000, 1001]
gid = [50]
allow_publish = ["metrics:*", "events/orders:+"]
allow_subscribe = ["*"]
deny_publish = ["metrics:secret"]
deny_subscribe = ["alerts:*"]
administer = true
limits = { connections = 3 }

[[access.principals]]
name = "reader"
"#;

#[test]
fn says_who_may_do_what() {
    let config = resolve(EXAMPLE).unwrap();
    let access = Access::new(config.policy(), None);
    let now = Timestamp::from_millis(0);
    let collector = access
        .authenticate(Credentials::Peer { uid: 1001, gid: 1 }, now)
        .unwrap();
    assert_eq!(collector.name(), "collector");
    assert!(collector.may_publish(Instance::Metrics, "cpu").is_ok());
    assert!(collector.may_publish(Instance::Metrics, "secret").is_err());
    assert!(collector.may_publish(Instance::Events, "orders:new").is_ok());
    assert!(collector.may_receive(Instance::Events, "orders:new"));
    assert!(!collector.may_receive(Instance::Alerts, "a") && !collector.may_receive(Instance::Audit, "a"));
    assert!(collector.may_administer().is_ok() && collector.may_look().is_err());
    let session = collector.open_session().unwrap();
    assert_eq!(session.limits().connections, 3);
    assert_eq!(session.limits().messages_per_second, Some(5));

    let anonymous = access.authenticate(Credentials::Peer { uid: 1, gid: 1 }, now).unwrap();
    assert!(anonymous.may_look().is_ok() && anonymous.may_administer().is_err());
    assert!(anonymous.may_publish(Instance::Metrics, "cpu").is_ok());
    assert_eq!(
        config.access.unwrap().revoked_tokens.as_deref(),
        Some(Path::new("/etc/revoked"))
    );
}

#[test]
fn is_open_without_the_table_and_closed_with_an_empty_one() {
    assert!(resolve("").unwrap().policy().is_open());
    assert!(resolve("[limits]\nconnections = 1").unwrap().policy().is_open());
    let closed = resolve("[access]").unwrap();
    assert!(!closed.policy().is_open());
    let access = Access::new(closed.policy(), None);
    assert!(
        access
            .authenticate(Credentials::Anonymous, Timestamp::from_millis(0))
            .is_err()
    );
}

#[test]
fn that_means_nothing_is_refused_with_its_line() {
    for (text, words) in [
        (
            "[access]\nanonymous = [\"look\",\n\"red\"]",
            "3: `access.anonymous`: `red` is no right",
        ),
        (
            "[access]\nanonymous = \"look\"",
            "2: `access.anonymous` must be a list of texts",
        ),
        ("[access]\nfoo = 1", "2: unknown key `access.foo`"),
        (
            "[access]\nuid = [1]",
            "2: unknown key `access.uid`; `uid` belongs in a table [[access.principals]]",
        ),
        (
            "[[access.principals]]\nuid = [1]",
            "1: `access.principals`: this principal has no `name`",
        ),
        (
            "[[access.principals]]\nname = \"a b\"",
            "2: `access.principals.name`: `a b` cannot be a name",
        ),
        (
            "[[access.principals]]\nname = \"anonymous\"",
            "2: `access.principals.name`: `anonymous` cannot",
        ),
        (
            "[[access.principals]]\nname = \"a\"\n[[access.principals]]\nname = \"a\"",
            "4: `access.principals.name`: the name `a` is taken",
        ),
        (
            "[[access.principals]]\nname = \"a\"\nallow_publish = [\n\"metrics:*\",\n\"metric:*\"]",
            "5: `access.principals.allow_publish`: there is no instance `metric`",
        ),
        (
            "[[access.principals]]\nname = \"a\"\nuid = [4294967296]",
            "3: `access.principals.uid`: 4294967296 is no id",
        ),
        (
            "[[access.principals]]\nname = \"a\"\nuid = [-1]",
            "3: `access.principals.uid",
        ),
        (
            "[[access.principals]]\nname = \"a\"\nlook = 1",
            "3: `access.principals.look` must be true or false",
        ),
        (
            "[[access.principals]]\nname = \"a\"\nlok = true",
            "3: unknown key `access.principals.lok`; did you mean",
        ),
        (
            "[[access.principals]]\nname = \"a\"\nlimits.connections = 0",
            "3: `access.principals.limits.connections` is 0, but must be between 1 and",
        ),
        (
            "[limits]\nconnection = 1",
            "2: unknown key `limits.connection`; did you mean `limits.connections`?",
        ),
        (
            "[limits]\nqueued_bytes = 1",
            "2: `limits.queued_bytes` is 1, but must be between 65536 and",
        ),
    ] {
        let refused = refusal(resolve(text));
        assert!(
            refused.starts_with(&format!("bellwether.toml:{words}")),
            "{refused}\n{text}"
        );
    }
    let words = refusal(environment(&[("BELLWETHER_ACCESS_ANONYMOUS", "look")]));
    assert!(words.ends_with("in the table [access]"), "{words}");
    let layer = environment(&[("BELLWETHER_LIMITS_PAYLOAD_BYTES", "0")]).unwrap();
    let words = refusal(Config::resolve(layer));
    assert!(words.starts_with("BELLWETHER_LIMITS_PAYLOAD_BYTES is 0"), "{words}");
}

#[test]
fn is_shown_as_it_is_written() {
    let shown = resolve(EXAMPLE).unwrap().to_toml();
    let again = resolve(&shown).unwrap();
    let first = resolve(EXAMPLE).unwrap();
    assert_eq!(again.access, first.access);
    assert_eq!(again.limits, first.limits);
    for line in [
        "messages_per_second = 5  # bellwether.toml:3",
        "anonymous = [\"look\", \"publish metrics:*\"]  # bellwether.toml:6",
        "limits.connections = 3  # bellwether.toml:18",
        "# bytes_per_second: no bound",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    assert!(
        resolve("")
            .unwrap()
            .to_toml()
            .contains("# access: everybody may do everything")
    );
}
