use std::num::NonZeroU32;

use bellwether_client::{Assurance, Confirm};
use bellwether_message::Headers;
use bytes::Bytes;

use super::*;
use crate::commands::publish::{Publish, Target, What};
use crate::commands::subscribe::Subscribe;
use crate::input::Source;
use crate::reach::Reach;

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
        "--reply-to",
        "events/answers:7",
        "--content-type",
        "text/csv",
        "--format",
        "json",
        "1;2",
    ]);
    assert_eq!(publish.node.node, Some("http://127.0.0.2:7480".parse().unwrap()));
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
            reply_to: Some("events/answers:7".into()),
            headers: Headers::default(),
        }
    );
}

#[test]
fn what_a_publish_waits_for_is_kept() {
    let care = |rest: &[&str]| publish(&[&["pub", "events", "t", "x"], rest].concat()).care;
    let nothing = Assurance::default();
    let seconds = Duration::from_secs;
    assert_eq!(care(&[]), nothing);
    assert_eq!(care(&["--wait"]), nothing.wait(seconds(30)));
    assert_eq!(care(&["--wait", "5"]), nothing.wait(seconds(5)));
    for (text, confirm) in [
        ("none", Confirm::None),
        ("local", Confirm::Local),
        ("all", Confirm::All),
        ("2", Confirm::Peers(2)),
    ] {
        assert_eq!(care(&["--confirm", text]), nothing.confirm(confirm));
    }
    let within = care(&["--confirm", "all", "--confirm-within", "3"]);
    assert_eq!(within, nothing.confirm(Confirm::All).within(seconds(3)));
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
        assert_eq!(subscribe.from, Some(from.parse().unwrap()));
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
        bellwether_client::TypedDraft {
            topic: Some(Topic::new("a:b").unwrap()),
            correlation_id: Some("7".into()),
            causation_id: Some("6".into()),
            ..bellwether_client::TypedDraft::new(Instance::Health, "NodeHealth")
        }
    );
    let care = Assurance::default().wait(Duration::from_secs(30)).confirm(Confirm::All);
    assert_eq!(say.care, care.within(Duration::from_secs(3)));
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
        (&["pub", "alerts", "a", "--reply-to", "answers"], "INSTANCE/TOPIC"),
        (&["sub", "alerts", "a", "--queue", "a:b"], "--queue"),
        (&["sub", "alerts", "a", "--queue", ""], "--queue"),
        (
            &["sub", "alerts", "a", "--queue", "w", "--from", "earliest"],
            "cannot be used with",
        ),
        (&["sub", "alerts", "a", "events", "b", "--queue", "w"], "one pattern"),
        (&["request", "alerts"], "<TOPIC>"),
        (&["request", "alerts", "a:*"], "wildcard"),
        (&["request", "alerts", "a", "--replies", "0"], "--replies"),
        (&["request", "alerts", "a", "--timeout", "2"], "`5s`"),
        (&["reply", "alerts", "a"], "PAYLOAD"),
        (&["reply", "alerts", "a", "x", "--echo"], "cannot be used with"),
        (
            &["reply", "alerts", "a", "--echo", "--command", "cat"],
            "cannot be used with",
        ),
        (&["reply", "alerts", "a", "--echo", "--queue", "+"], "--queue"),
        (&["context", "add", "prod"], "say which with `--node`"),
        (&["context", "add", "Prod", "--node", "http://127.0.0.1"], "a-z, 0-9"),
        (&["members", "--context", "../x"], "a-z, 0-9"),
        (&["members", "--token", "t", "--token-file", "f"], "cannot be used with"),
        (
            &["members", "--node", "ftp://127.0.0.1"],
            "unix:/run/bellwether/node.sock",
        ),
        (&["completions", "tcsh"], "bash"),
    ] {
        let err = parsed(line).expect_err(&format!("{line:?}"));
        assert_eq!(err.exit_code(), 2, "{line:?}");
        assert!(err.to_string().contains(words), "{line:?}: {err}");
    }
}

#[test]
fn a_queue_group_is_a_pattern() {
    let subscribe = subscribe(&["sub", "events", "orders:*", "--queue", "workers"]);
    let [(Instance::Events, pattern)] = &subscribe.wanted[..] else {
        panic!("{:?}", subscribe.wanted)
    };
    assert_eq!(
        (pattern.queue(), pattern.without_queue().as_str()),
        (Some("workers"), "orders:*")
    );
}

#[test]
fn who_we_are_is_kept_with_the_node_before_or_behind_the_command() {
    for line in [
        &[
            "--node",
            "unix:/n.sock",
            "--token-file",
            "f",
            "--ca",
            "ca.pem",
            "--context",
            "prod",
            "members",
        ][..],
        &[
            "members",
            "--node",
            "unix:/n.sock",
            "--token-file",
            "f",
            "--ca",
            "ca.pem",
            "--context",
            "prod",
        ],
    ] {
        let Ok(Command::Members(members)) = parsed(line) else {
            panic!("{line:?}")
        };
        let expected = Reach {
            node: Some("unix:/n.sock".parse().unwrap()),
            identity: Some(crate::reach::Identity::File("f".into())),
            ca: Some("ca.pem".into()),
            context: Some("prod".parse().unwrap()),
        };
        assert_eq!(members.node, expected);
    }
}

#[test]
fn an_answer_is_a_payload_or_the_question_or_what_a_command_prints() {
    use crate::commands::reply::Answer;
    use crate::input::Given;

    let answer = |rest: &[&str]| match parsed(&[&["reply", "events", "a:*"], rest].concat()) {
        Ok(Command::Reply(reply)) => reply.answer,
        other => panic!("{rest:?}: {other:?}"),
    };
    assert_eq!(answer(&["pong"]), Answer::Payload(Given::Text("pong".into())));
    assert_eq!(answer(&["@-"]), Answer::Payload(Given::Whole(Source::Stdin)));
    assert_eq!(answer(&["--echo"]), Answer::Echo);
    let command = Answer::Command {
        command: "date -u".into(),
        longest: Duration::from_secs(5),
    };
    assert_eq!(answer(&["--command", "date -u", "--timeout", "5s"]), command);
}
