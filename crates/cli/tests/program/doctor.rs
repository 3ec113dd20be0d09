use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::fake_node::FakeNode;
use crate::program::node::RunningNode;
use crate::program::run::{Run, bellwether};

const SECRET: &str = "an example secret of more than 32 bytes";

/// What the doctor says of this configuration file, as JSON, and how it ends.
fn doctor(file: &Path, more: &[&str]) -> (Value, Run) {
    let file = file.to_str().unwrap();
    let arguments = [&["doctor", "--config", file, "--format", "json"], more].concat();
    let run = Run::of(&mut bellwether(&arguments));
    (serde_json::from_str(&run.stdout).unwrap_or_default(), run)
}

fn verdict<'a>(report: &'a Value, check: &str) -> &'a str {
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["check"] == check);
    finding.unwrap_or_else(|| panic!("{check}: {report}"))["verdict"]
        .as_str()
        .unwrap()
}

fn exit_code(verdict: &str) -> Option<i32> {
    ["ok", "warning", "critical", "unknown"]
        .iter()
        .position(|name| *name == verdict)
        .map(|code| code as i32)
}

#[test]
fn a_node_without_a_mesh_is_well() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bellwether.toml");
    fs::write(
        &file,
        format!("name = \"a\"\ndata_dir = {:?}\n", folder.path().join("data")),
    )
    .unwrap();
    let (report, run) = doctor(&file, &["--offline"]);
    for check in ["configuration", "secret", "data_folder"] {
        assert_eq!(verdict(&report, check), "ok", "{report}");
    }
    // How many files this test may have open is not for it to say.
    let all = report["verdict"].as_str().unwrap();
    assert_eq!(all, verdict(&report, "file_descriptors"));
    assert_eq!(run.code, exit_code(all), "{run:?}");

    let node = RunningNode::start();
    let (report, run) = doctor(&file, &["--node", &node.url]);
    for check in ["node", "members", "links", "versions", "clocks", "mtu"] {
        assert_eq!(verdict(&report, check), "ok", "{report}");
    }
    assert_eq!(run.code, exit_code(report["verdict"].as_str().unwrap()), "{run:?}");
}

#[cfg(unix)]
#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let secret = path("secret");
    fs::write(&secret, SECRET).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(path("c.pem"), made.cert.pem()).unwrap();
    fs::write(path("k.pem"), made.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(path("k.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    // A file stands where the folder should be.
    let file = path("bellwether.toml");
    let text = format!(
        "name = \"a\"\nlisten = \"127.0.0.1:7400\"\nseeds = [\"192.0.2.9:7400\"]\nsecret_file = {secret:?}\ndata_dir = {secret:?}\n\
         tls_certificate = {:?}\ntls_key = {:?}\n",
        path("c.pem"),
        path("k.pem")
    );
    fs::write(&file, text).unwrap();
    let nobody = FakeNode::bind().url;
    let (report, run) = doctor(&file, &["--node", &nobody]);
    for (check, expected) in [
        ("configuration", "ok"),
        ("secret", "ok"),
        ("seeds", "critical"),
        ("certificate", "ok"),
        ("tls_key", "critical"),
        ("data_folder", "critical"),
        ("node", "unknown"),
    ] {
        assert_eq!(verdict(&report, check), expected, "{check}: {report}");
    }
    assert_eq!(
        (run.code, report["verdict"].as_str()),
        (Some(2), Some("critical")),
        "{run:?}"
    );
    for finding in report["findings"].as_array().unwrap() {
        let is_told = finding["why"].is_string() && finding["do"].is_string();
        assert_eq!(is_told, finding["verdict"] != "ok", "{finding}");
    }
    assert!(!run.stdout.contains(SECRET));

    let text = Run::of(&mut bellwether(&[
        "doctor",
        "--offline",
        "--config",
        file.to_str().unwrap(),
    ]));
    let first = text.stdout.lines().next().unwrap();
    assert!(
        first.starts_with("CRITICAL: ") && first.contains("data_folder"),
        "{text:?}"
    );
    assert!(text.stdout.contains("do:  `chmod 0600"), "{text:?}");
}

#[test]
fn a_configuration_that_is_none_leaves_the_rest_to_be_checked() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bellwether.toml");
    fs::write(&file, "lisen = \"127.0.0.1:7400\"\n").unwrap();
    let (report, run) = doctor(&file, &["--offline"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(verdict(&report, "configuration"), "critical");
    let found = report["findings"][0]["found"].as_str().unwrap();
    assert!(found.contains("did you mean `listen`?"), "{found}");
    assert!(report["findings"].as_array().unwrap().len() > 2, "{report}");
}
