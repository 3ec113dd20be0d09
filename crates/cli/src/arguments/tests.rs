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
        (&["sub", "alerts"], "INSTANCE"),
        (&["sub", "alerts", "a", "events"], "`events` has no pattern"),
        (&["sub", "alrts", "a"], "did you mean `alerts`"),
        (&["sub", "alerts", ":a"], "level 1 is empty"),
        (&["subscribers", "nothing"], "audit"),
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
