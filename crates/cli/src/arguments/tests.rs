use super::*;

fn parsed(line: &[&str]) -> Result<Command, clap::Error> {
    let program = std::iter::once("bellwether");
    parse(program.chain(line.iter().copied()).map(OsString::from))
}

fn publish(line: &[&str]) -> Publish {
    match parsed(line) {
        Ok(Command::Publish(publish)) => publish,
        other => panic!("{line:?}: {other:?}"),
    }
}

fn subscribe(line: &[&str]) -> Subscribe {
    match parsed(line) {
        Ok(Command::Subscribe(subscribe)) => subscribe,
        other => panic!("{line:?}: {other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    Typed::command().debug_assert();
}

#[test]
fn every_command_has_examples_in_its_help() {
    fn check(command: &clap::Command) {
        let help = command.clone().render_long_help().to_string();
        assert!(
            help.contains("xample") || help.contains("See it work"),
            "{}",
            command.get_name()
        );
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            check(command);
        }
    }
    check(&Typed::command());
}

#[test]
fn a_payload_is_text_or_a_file_or_nothing_or_lines() {
    for (rest, what) in [
        (&["{}"][..], What::Payload(Bytes::from_static(b"{}"))),
        (&[], What::Payload(Bytes::new())),
        (&["@order.json"], What::Whole(Source::File("order.json".into()))),
        (&["@-"], What::Whole(Source::Stdin)),
        (
            &["--lines", "-"],
            What::Lines {
                source: Source::Stdin,
                rate: None,
            },
        ),
        (
            &["--lines", "log", "--rate", "500"],
            What::Lines {
                source: Source::File("log".into()),
                rate: NonZeroU32::new(500),
            },
        ),
    ] {
        assert_eq!(publish(&[&["pub", "events", "orders:new"], rest].concat()).what, what);
    }
}

#[test]
fn what_is_said_about_a_message_is_kept() {
    let publish = publish(&[
        "--node",
        "http://127.0.0.2:7480",
        "pub",
        "ex_esdb_alerts",
        "system_alerts:critical",
        "--event",
        "critical_alert",
        "--originating-node",
        "b",
        "--correlation-id",
        "7",
        "--causation-id",
        "6",
        "--content-type",
        "text/csv",
        "--format",
        "json",
        "1;2",
    ]);
    assert_eq!(publish.node.to_string(), "http://127.0.0.2:7480");
    assert_eq!(publish.content_type, Some(ContentType::from_name("text/csv")));
    assert_eq!(publish.format, Format::Json);
    assert_eq!(
        publish.target,
        Target {
            instance: Instance::Alerts,
            topic: Topic::new("system_alerts:critical").unwrap(),
            event: Some("critical_alert".into()),
            originating_node: Some(NodeId::new("b").unwrap()),
            correlation_id: Some("7".into()),
            causation_id: Some("6".into()),
        }
    );
}

#[test]
fn what_a_publish_waits_for_is_kept() {
    let care = |rest: &[&str]| publish(&[&["pub", "events", "t", "x"], rest].concat()).care;
    assert_eq!(care(&[]), Care::default());
    assert_eq!(care(&["--wait"]).wait_s, Some(30));
    assert_eq!(care(&["--wait", "5"]).wait_s, Some(5));
    for (text, confirm) in [
        ("none", Confirm::None),
        ("local", Confirm::Local),
        ("all", Confirm::All),
        ("2", Confirm::Peers(2)),
    ] {
        assert_eq!(care(&["--confirm", text]).confirm, Some(confirm));
    }
    let within = care(&["--confirm", "all", "--confirm-within", "3"]);
    assert_eq!(within.confirm_within_s, Some(3));
}

#[test]
fn a_subscription_begins_where_it_is_told() {
    for from in [
        "live",
        "earliest",
        "last:10",
        "time:2026-11-21T09:00:00+01:00",
        "id:alerts/a/1/7",
    ] {
        let subscribe = subscribe(&["sub", "alerts", "a", "--from", from]);
        assert_eq!(subscribe.from.as_deref(), Some(from));
    }
    assert_eq!(subscribe(&["sub", "alerts", "a"]).from, None);
}

#[test]
fn a_subscription_takes_pairs() {
    let subscribe = subscribe(&[
        "sub",
        "alerts",
        "system_alerts:*",
        "events",
        "+:new",
        "--count",
        "1",
        "--no-reconnect",
    ]);
    let pair = |instance, pattern| (instance, Pattern::new(pattern).unwrap());
    assert_eq!(
        subscribe.wanted,
        [
            pair(Instance::Alerts, "system_alerts:*"),
            pair(Instance::Events, "+:new")
        ]
    );
    assert_eq!((subscribe.count, subscribe.reconnect), (Some(1), false));
}

#[test]
fn a_theme_is_plain_unless_another_is_asked_for() {
    let theme = |rest: &[&str]| subscribe(&[&["sub", "alerts", "a"], rest].concat()).theme;
    assert_eq!(theme(&[]), Theme::Plain);
    assert_eq!(theme(&["--theme", "plain", "--format", "json"]), Theme::Plain);
    assert_eq!(theme(&["--theme", "classic"]), Theme::Classic);
    assert_eq!(theme(&["--theme", "classic", "--format", "text"]), Theme::Classic);
    let Ok(Command::Demo(demo)) = parsed(&["demo", "--theme", "classic"]) else {
        panic!("not a demo")
    };
    assert_eq!((demo.theme, demo.format), (Theme::Classic, Format::Text));
}

#[test]
fn settings_become_the_strongest_layer() {
    let line = [
        "start", "--name", "b", "--seed", "a:7400", "--seed", "c:7400", "--http", "off",
    ];
    let Ok(Command::Start(start)) = parsed(&line) else {
        panic!("not a start")
    };
    let flags = start.settings.flags;
    assert_eq!(flags.name.as_deref(), Some("b"));
    assert_eq!(flags.seeds, Some(vec!["a:7400".to_owned(), "c:7400".to_owned()]));
    assert_eq!(flags.http.as_deref(), Some("off"));
    assert_eq!(flags.listen, None);
}

#[test]
fn a_typed_message_and_all_that_is_said_about_it_are_kept() {
    let line = [
        "say",
        "ex_esdb_health",
        "NodeHealth",
        "@-",
        "--topic",
        "a:b",
        "--correlation-id",
        "7",
        "--causation-id",
        "6",
        "--wait",
        "--confirm",
        "all",
        "--confirm-within",
        "3",
    ];
    let Ok(Command::Say(say)) = parsed(&line) else {
        panic!("not a say")
    };
    assert_eq!(
        say.target,
        crate::client::TypedTarget {
            instance: Instance::Health,
            tag: "NodeHealth".into(),
            topic: Some(Topic::new("a:b").unwrap()),
            correlation_id: Some("7".into()),
            causation_id: Some("6".into()),
        }
    );
    assert_eq!((say.care.wait_s, say.care.confirm_within_s), (Some(30), Some(3)));
    assert_eq!(say.care.confirm, Some(Confirm::All));
    assert_eq!(say.given, crate::input::Given::Whole(Source::Stdin));
}

#[test]
fn a_broadcast_is_one_call_or_a_file_of_them() {
    use crate::commands::broadcast::Calls;
    use crate::input::Given;

    let calls = |rest: &[&str]| match parsed(&[&["broadcast"], rest].concat()) {
        Ok(Command::Broadcast(broadcast)) => broadcast.calls,
        other => panic!("{rest:?}: {other:?}"),
    };
    let one = |arguments| Calls::One {
        helper: "alert",
        arguments,
    };
    assert_eq!(calls(&["alert"]), one(Given::Text(Bytes::from_static(b"{}"))));
    assert_eq!(calls(&["alert", "{\"a\":1}"]), one(Given::Text("{\"a\":1}".into())));
    assert_eq!(
        calls(&["alert", "@a.json"]),
        one(Given::Whole(Source::File("a.json".into())))
    );
    for stdin in ["-", "@-"] {
        assert_eq!(calls(&["--batch", stdin]), Calls::Batch(Source::Stdin));
    }
    assert_eq!(
        calls(&["--batch", "@c.json"]),
        Calls::Batch(Source::File("c.json".into()))
    );
}

#[test]
fn wrong_usage_is_told_with_a_way_out() {
    for (line, words) in [
        (&["pub", "alert", "a", "x"][..], "did you mean `alerts`"),
        (&["pub", "alerts", "a::b", "x"], "level 2 is empty"),
        (&["pub", "alerts", "a:*", "x"], "wildcard"),
        (&["pub", "alerts", "a", "x", "--lines", "-"], "cannot be used with"),
        (&["pub", "alerts", "a", "x", "--rate", "5"], "--rate"),
        (&["pub", "alerts", "a", "--rate", "5"], "--lines"),
        (&["pub", "alerts", "a", "--lines", "-", "--rate", "0"], "--rate"),
        (&["pub", "alerts", "a", "--event", ""], "critical_alert"),
        (&["pub", "alerts", "a", "--originating-node", "B"], "only a-z"),
        (&["pub", "alerts", "a", "--content-type", "json"], "application/json"),
        (&["pub", "alerts", "a", "--wait", "soon"], "--wait"),
        (&["pub", "alerts", "a", "--wait", "31"], "0..=30"),
        (
            &["pub", "alerts", "a", "--confirm", "some"],
            "write none, local, all or a number",
        ),
        (&["pub", "alerts", "a", "--confirm-within", "5"], "--confirm"),
        (
            &["pub", "alerts", "a", "--confirm", "all", "--confirm-within", "0"],
            "1..=60",
        ),
        (
            &["sub", "alerts", "a", "--from", "newest"],
            "`live`, `earliest`, `last:N`",
        ),
        (&["sub", "alerts", "a", "--from", "last:65537"], "65536 is the most"),
        (&["sub", "alerts", "a", "--from", "time:noon"], "RFC 3339"),
        (&["sub", "alerts", "a", "--from", "id:17"], "as it came"),
        (&["sub", "alerts", "a", "--from", "id:alerts/a/1"], "four parts"),
        (&["sub", "alerts"], "INSTANCE"),
        (&["sub", "alerts", "a", "events"], "`events` has no pattern"),
        (&["sub", "alrts", "a"], "did you mean `alerts`"),
        (&["sub", "alerts", ":a"], "level 1 is empty"),
        (
            &["sub", "alerts", "a", "--theme", "classic", "--format", "json"],
            "goes with `--format text`",
        ),
        (
            &["demo", "--theme", "classic", "--format", "json"],
            "Usage: bellwether demo",
        ),
        (&["sub", "alerts", "a", "--theme", "modern"], "plain, classic"),
        (&["members", "--theme", "classic"], "--theme"),
        (&["subscribers", "nothing"], "audit"),
        (&["say", "health"], "<TYPE>"),
        (&["say", "health", "NodeHealth", "--topic", "a:*"], "wildcard"),
        (&["say", "health", "NodeHealth", "--confirm-within", "5"], "--confirm"),
        (&["validate", "helth", "NodeHealth"], "did you mean `health`"),
        (&["broadcast"], "HELPER"),
        (&["broadcast", "health"], "did you mean `health_update`?"),
        (&["broadcast", "zzz"], "there are system_lifecycle, system_config"),
        (&["broadcast", "alert", "{}", "--batch", "-"], "cannot be used with"),
        (&["catalogue", "Nodehealth"], "did you mean `NodeHealth`?"),
        (
            &["catalogue", "NodeHealth", "--example", "--json-schema"],
            "cannot be used with",
        ),
        (&["integration"], "status"),
        (&["demo", "--for", "5"], "`5s`"),
        (&["members", "--format", "xml"], "json"),
        (&["members", "--node", "127.0.0.1:7480"], "http://127.0.0.1:7480"),
        (&["strat"], "start"),
    ] {
        let err = parsed(line).expect_err(&format!("{line:?}"));
        assert_eq!(err.exit_code(), 2, "{line:?}");
        assert!(err.to_string().contains(words), "{line:?}: {err}");
    }
}
