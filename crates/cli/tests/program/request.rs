use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::program::node::RunningNode;
use crate::program::run::{Run, bellwether};

/// A program that answers, once it listens; ended with its holder.
struct Replying(Child);

impl Replying {
    fn start(node: &RunningNode, arguments: &[&str]) -> Self {
        let mut command = bellwether(&[&["--node", &node.url, "reply"], arguments].concat());
        let mut child = command
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        assert_eq!(line, "subscribed, live on 1 of 1 nodes\n");
        // What it says later must find a reader.
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        Self(child)
    }
}

impl Drop for Replying {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(node: &RunningNode, arguments: &[&str]) -> Run {
    let timeout = ["--timeout", "20s"];
    Run::of(&mut bellwether(
        &[&["--node", &node.url, "request"], arguments, &timeout].concat(),
    ))
}

#[test]
fn a_question_is_answered_with_a_payload_an_echo_or_what_a_command_prints() {
    let node = RunningNode::start();
    let _pong = Replying::start(&node, &["events", "ping", "pong"]);
    let _echo = Replying::start(&node, &["events", "echo:*", "--echo"]);
    let script = "read line; echo \"$BELLWETHER_INSTANCE $BELLWETHER_TOPIC $BELLWETHER_EVENT: $line\"";
    let _command = Replying::start(&node, &["alerts", "run:*", "--command", script]);
    for (question, answer) in [
        (&["events", "ping"][..], "pong\n"),
        (&["events", "echo:it", "hello\nyou"], "hello\nyou\n"),
        (
            &["alerts", "run:it", "hello", "--event", "asked"],
            "alerts run:it asked: hello\n",
        ),
    ] {
        let run = ask(&node, question);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(0), answer),
            "{question:?}: {run:?}"
        );
    }
    let json = ask(&node, &["events", "echo:it", "{\"a\":1}", "--format", "json"]);
    let message: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&message["payload"]["a"], &message["content_type"]),
        (&1.into(), &"application/json".into())
    );
    assert!(message["topic"].as_str().unwrap().starts_with("_inbox:"), "{json:?}");
}

#[test]
fn a_group_answers_once_and_others_each() {
    let node = RunningNode::start();
    let _grouped = [(); 2].map(|()| Replying::start(&node, &["events", "one", "answer", "--queue", "group"]));
    let _alone = [(); 2].map(|()| Replying::start(&node, &["events", "all", "answer"]));
    let all = ask(&node, &["events", "all", "--replies", "2"]);
    assert_eq!(
        (all.code, all.stdout.as_str()),
        (Some(0), "answer\nanswer\n"),
        "{all:?}"
    );
    let arguments = [
        "--node",
        &node.url,
        "request",
        "events",
        "one",
        "--replies",
        "2",
        "--timeout",
        "500ms",
    ];
    let one = Run::of(&mut bellwether(&arguments));
    assert_eq!((one.code, one.stdout.as_str()), (Some(1), "answer\n"), "{one:?}");
    assert!(one.stderr.contains("1 of 2 answers came within 500 ms"), "{one:?}");
}

#[test]
fn a_question_without_an_answer_fails() {
    let node = RunningNode::start();
    let _failing = Replying::start(&node, &["events", "fail", "--command", "echo no; exit 3"]);
    for (topic, words) in [("nobody", "nobody answers there"), ("fail", "no answer within 500 ms")] {
        let arguments = ["--node", &node.url, "request", "events", topic, "--timeout", "500ms"];
        let run = Run::of(&mut bellwether(&arguments));
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert!(run.stderr.contains(words), "{run:?}");
    }
}
