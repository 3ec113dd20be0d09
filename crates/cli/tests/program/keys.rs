use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::fake_node::{FakeNode, accept, answer, request};
use crate::program::node::RunningNode;
use crate::program::run::{Run, bellwether, run};

const OLD: &str = "a-secret-of-the-cluster-with-enough-bytes";
const NEW: &str = "the-secret-that-is-to-take-the-olds-place";

/// A key file, and what its commands need.
struct Lab {
    _folder: TempDir,
    file: PathBuf,
}

impl Lab {
    fn new(secrets: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("secrets");
        fs::write(&file, secrets.join("\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        Self { _folder: folder, file }
    }

    fn path(&self) -> &str {
        self.file.to_str().unwrap()
    }

    fn text(&self) -> String {
        let mode = fs::metadata(&self.file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::read_to_string(&self.file).unwrap()
    }

    /// `bellwether keys …`, with a text on its standard input.
    fn keys(&self, node: &str, arguments: &[&str], input: &str) -> Run {
        let mut command = bellwether(&[&["--node", node, "keys"], arguments, &["--file", self.path()]].concat());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that refuses before it reads is gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let run: Run = child.wait_with_output().unwrap().into();
        for secret in [OLD, NEW] {
            assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{run:?}");
        }
        run
    }
}

/// What the node that is played says, and what it was asked.
#[derive(Default)]
struct Play {
    /// Its own keys; a reload reads them from the file.
    keys: Vec<String>,
    /// Node, state, keys.
    members: Vec<(&'static str, &'static str, Option<Vec<String>>)>,
    reloads: usize,
    /// It knows no reload.
    is_old: bool,
    /// Who asks may have it read its file, and may not look.
    is_closed: bool,
}

fn listed(ids: &[String]) -> Value {
    let keys = ids.iter().enumerate();
    keys.map(|(place, id)| json!({"id": id, "signs": place == 0})).collect()
}

/// A node that answers for the keys until the test ends.
fn play(play: Play, file: &Path) -> (String, Arc<Mutex<Play>>) {
    let (play, file) = (Arc::new(Mutex::new(play)), file.to_owned());
    let node = FakeNode::bind();
    let (url, shared) = (node.url.clone(), play.clone());
    node.play(move |listener: &TcpListener| {
        loop {
            let (mut connection, shared, file) = (accept(listener), shared.clone(), file.clone());
            std::thread::spawn(move || {
                while let Some(request) = request(&mut connection) {
                    let mut play = shared.lock().unwrap();
                    match request.first_line.as_str() {
                        "GET /v1/keys HTTP/1.1" if play.is_closed => {
                            let said = json!({"error": "the token is not valid", "reason": "unauthenticated"});
                            answer(&mut connection, "401 Unauthorized", &said.to_string());
                        }
                        "GET /v1/keys HTTP/1.1" => {
                            let members = play.members.iter().map(|(node, state, keys)| {
                                json!({"node": node, "state": state, "keys": keys.as_deref().map(listed)})
                            });
                            let members: Vec<Value> = members.collect();
                            let said = json!({"keys": listed(&play.keys), "members": members});
                            answer(&mut connection, "200 OK", &said.to_string());
                        }
                        "POST /v1/reload HTTP/1.1" if play.is_old => {
                            let said = json!({"error": "nothing is at /v1/reload", "reason": "unknown_path"});
                            answer(&mut connection, "404 Not Found", &said.to_string());
                        }
                        "POST /v1/reload HTTP/1.1" => {
                            play.reloads += 1;
                            play.keys = ids_of(&file);
                            answer(&mut connection, "200 OK", "{}");
                        }
                        other => panic!("{other}"),
                    }
                }
            });
        }
    });
    (url, play)
}

/// The ids of a file's keys, as a node that starts with it has them.
fn ids_of(file: &Path) -> Vec<String> {
    let nobody = "http://127.0.0.1:1";
    let listed = run(&[
        "--node",
        nobody,
        "keys",
        "list",
        "--file",
        file.to_str().unwrap(),
        "--format",
        "json",
    ]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let rows: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    rows.iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
}

fn id(secret: &str) -> String {
    ids_of(&Lab::new(&[secret]).file).remove(0)
}

#[test]
fn a_secret_is_replaced_in_three_steps_while_the_node_follows() {
    let lab = Lab::new(&[OLD]);
    let (old, new) = (id(OLD), id(NEW));
    let members = vec![("b", "alive", Some(vec![old.clone()]))];
    let (node, play) = play(
        Play {
            keys: vec![old.clone()],
            members,
            ..Play::default()
        },
        &lab.file,
    );
    let keys = |arguments: &[&str], input: &str| lab.keys(&node, arguments, input);

    let added = keys(&["add"], &format!("{NEW}\n"));
    assert_eq!((added.code, added.stdout.trim()), (Some(0), new.as_str()), "{added:?}");
    assert_eq!(lab.text(), format!("{OLD}\n{NEW}\n"));
    assert_eq!(play.lock().unwrap().reloads, 1);

    // b lacks it still.
    let refused = keys(&["promote", &new], "");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:?}");
    assert!(refused.stderr.contains("not promoted: b would refuse"), "{refused:?}");
    assert_eq!(lab.text(), format!("{OLD}\n{NEW}\n"));
    let list = keys(&["list", "--format", "json"], "");
    let rows: Value = serde_json::from_str(&list.stdout).unwrap();
    let row = |key: &str, signs: bool, lacking: &[&str], signers: &[&str]| json!({"key": key, "signs": signs, "loaded": true, "lacking": lacking, "signers": signers});
    assert_eq!(
        rows,
        json!([row(&old, true, &[], &["b"]), row(&new, false, &["b"], &[])])
    );

    play.lock().unwrap().members[0].2 = Some(vec![old.clone(), new.clone()]);
    let promoted = keys(&["promote", &new], "");
    assert_eq!(
        (promoted.code, promoted.stdout.trim()),
        (Some(0), new.as_str()),
        "{promoted:?}"
    );
    assert_eq!(lab.text(), format!("{NEW}\n{OLD}\n"));

    let refused = keys(&["remove", &old], "");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("not removed: b would be refused"),
        "{refused:?}"
    );
    play.lock().unwrap().members[0].2 = Some(vec![new.clone(), old.clone()]);
    let removed = keys(&["remove", &old], "");
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert_eq!(lab.text(), format!("{NEW}\n"));
    let play = play.lock().unwrap();
    assert_eq!((play.reloads, &play.keys), (3, &vec![new]));
}

#[test]
fn what_would_cut_somebody_off_is_refused_unless_forced() {
    let (old, new) = (id(OLD), id(NEW));
    let both = vec![old.clone(), new.clone()];
    // What is asked for, the node's own keys, those that its member tells, and why not.
    type Case<'a> = (&'a [&'a str], Vec<String>, Option<Vec<String>>, &'a str);
    let cases: [Case<'_>; 5] = [
        (&["promote", &new], both.clone(), None, "the keys of b are not known"),
        (
            &["promote", &new],
            vec![old.clone()],
            Some(both.clone()),
            "the running node has no key",
        ),
        (&["remove", &new], both.clone(), None, "the keys of b are not known"),
        (
            &["remove", &new],
            vec![new.clone(), old.clone()],
            Some(both.clone()),
            "still signs with it",
        ),
        (
            &["remove", &new],
            vec![id(&NEW.to_uppercase())],
            Some(both.clone()),
            "the running node has no key",
        ),
    ];
    let cases = cases.map(|(arguments, own, told, words)| (arguments, own, ("b", "suspect", told), words));
    let down: [&[&str]; 2] = [&["promote", &new], &["remove", &new]];
    let down = down.map(|arguments| {
        let words = "the keys of b are not known, which may come back with others";
        (arguments, both.clone(), ("b", "down", None), words)
    });
    for (arguments, own, member, words) in cases.into_iter().chain(down) {
        let lab = Lab::new(&[OLD, NEW]);
        let (node, _play) = play(
            Play {
                keys: own,
                members: vec![member],
                ..Play::default()
            },
            &lab.file,
        );
        let refused = lab.keys(&node, arguments, "");
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(words), "{words}: {refused:?}");
        assert_eq!(lab.text(), format!("{OLD}\n{NEW}"), "{words}");
        let forced = lab.keys(&node, &[arguments, &["--force", "--no-reload"]].concat(), "");
        assert_eq!(forced.code, Some(0), "{forced:?}");
        assert_ne!(lab.text(), format!("{OLD}\n{NEW}"), "{words}");
    }
}

#[test]
fn the_signing_key_and_one_that_is_not_there_are_refused_though_forced() {
    let lab = Lab::new(&[OLD, NEW]);
    let nobody = "http://127.0.0.1:1";
    for (arguments, words) in [
        (["remove", &id(OLD)], "the one that signs"),
        (["remove", "0123456789abcdef"], "has no key 0123456789abcdef"),
        (["promote", "0123456789abcdef"], "has no key 0123456789abcdef"),
    ] {
        let refused = lab.keys(nobody, &[&arguments[..], &["--force", "--no-reload"]].concat(), "");
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    let wrong = lab.keys(nobody, &["promote", "0123"], "");
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("16 hexadecimal digits"), "{wrong:?}");
    assert_eq!(lab.text(), format!("{OLD}\n{NEW}"));
}

#[test]
fn no_secret_is_taken_that_a_node_would_refuse() {
    let lab = Lab::new(&[OLD]);
    let uniform = "x".repeat(40);
    for (input, code, words) in [
        ("", 2, "nothing came"),
        ("too short", 2, "at least 32"),
        (&uniform, 2, "one character"),
        (OLD, 1, "already"),
    ] {
        let refused = lab.keys("http://127.0.0.1:1", &["add", "--no-reload"], input);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(code), ""), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    assert_eq!(lab.text(), OLD);
}

#[test]
fn a_file_that_others_may_read_or_that_is_nowhere_is_refused() {
    let lab = Lab::new(&[OLD]);
    fs::set_permissions(&lab.file, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = lab.keys("http://127.0.0.1:1", &["add", "--no-reload"], NEW);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("mode 0644"), "{refused:?}");
    let nowhere = run(&["keys", "list"]);
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    assert!(nowhere.stderr.contains("no key file is named"), "{nowhere:?}");
    let valued = Run::of(bellwether(&["keys", "list"]).env("SECRET_KEY_BASE", OLD));
    assert_eq!(valued.code, Some(2), "{valued:?}");
    assert!(
        valued.stderr.contains("SECRET_KEY_BASE, which no program can change"),
        "{valued:?}"
    );
    fs::set_permissions(&lab.file, fs::Permissions::from_mode(0o600)).unwrap();
    let named =
        Run::of(bellwether(&["--node", "http://127.0.0.1:1", "keys", "list"]).env("SECRET_KEY_BASE_FILE", &lab.file));
    assert_eq!(named.code, Some(0), "{named:?}");
    assert!(
        named.stdout.contains(&id(OLD)) && named.stderr.contains("only what is in the file"),
        "{named:?}"
    );
}

#[test]
fn that_the_node_has_not_followed_is_told_and_fails() {
    let lab = Lab::new(&[OLD]);
    let old_node = Play {
        keys: vec![id(OLD)],
        is_old: true,
        ..Play::default()
    };
    let (node, _play) = play(old_node, &lab.file);
    let added = lab.keys(&node, &["add"], NEW);
    assert_eq!(
        (added.code, added.stdout.trim()),
        (Some(1), id(NEW).as_str()),
        "{added:?}"
    );
    assert!(
        added.stderr.contains("the key file is changed, but") && added.stderr.contains("SIGHUP"),
        "{added:?}"
    );
    assert_eq!(lab.text(), format!("{OLD}\n{NEW}\n"));
}

/// A caller's token may have gone with the key that was removed.
#[test]
fn that_nobody_may_look_is_told_and_no_failure_of_the_node() {
    let lab = Lab::new(&[OLD, NEW]);
    let closed = Play {
        keys: vec![id(OLD), id(NEW)],
        is_closed: true,
        ..Play::default()
    };
    let (node, play) = play(closed, &lab.file);
    let removed = lab.keys(&node, &["remove", &id(NEW), "--force"], "");
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert_eq!(play.lock().unwrap().reloads, 1);
    for words in [
        &format!("tokens that were made with {} count no more", id(NEW)),
        "which they are now was not seen",
    ] {
        assert!(removed.stderr.contains(words), "{words}: {removed:?}");
    }
}

/// The ids that the file gives are those of a real node.
#[test]
fn a_running_node_shows_the_keys_of_its_file() {
    let lab = Lab::new(&[NEW, OLD]);
    let node = RunningNode::start_with(&["--secret-file", lab.path(), "--listen", "127.0.0.1:0"]);
    let list = lab.keys(&node.url, &["list"], "");
    assert_eq!((list.code, list.stderr.as_str()), (Some(0), ""), "{list:?}");
    let rows: Vec<Vec<&str>> = list
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["KEY", "SIGNS", "LOADED", "LACKING", "SIGNERS"]);
    assert_eq!(rows[1][..3], [id(NEW).as_str(), "yes", "yes"]);
    assert_eq!(rows[2][..3], [id(OLD).as_str(), "no", "yes"]);
}
