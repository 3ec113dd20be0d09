use std::io::Write;
use std::process::{Command, Stdio};

use crate::program::run::run;

/// The commands that the help of a command lists.
fn commands_of(command: &[&str]) -> Vec<String> {
    let help = run(&[command, &["--help"]].concat()).stdout;
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.take_while(|line| !line.is_empty()).filter_map(|line| {
        let line = line.strip_prefix("  ")?;
        line.starts_with(|first: char| first.is_ascii_lowercase())
            .then(|| line.split(' ').next().unwrap().to_owned())
    });
    names.filter(|name| name != "help").collect()
}

#[test]
fn every_shell_completes_every_command() {
    let commands = commands_of(&[]);
    assert!(commands.len() > 20, "{commands:?}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]);
        assert_eq!((script.code, script.stderr.as_str()), (Some(0), ""), "{shell}");
        for name in commands.iter().chain(&commands_of(&["context"])) {
            assert!(script.stdout.contains(name.as_str()), "{shell}: {name}");
        }
    }
}

#[test]
fn bash_understands_its_script() {
    let script = run(&["completions", "bash"]).stdout;
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
    let words =
        "COMP_WORDS=(bellwether con); COMP_CWORD=1; _bellwether bellwether con bellwether; echo \"${COMPREPLY[*]}\"";
    // On standard input: the script is longer than an argument may be.
    let mut bash = Command::new("bash")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let typed = format!("{script}\n{words}\n");
    bash.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let completed = String::from_utf8(bash.wait_with_output().unwrap().stdout).unwrap();
    assert!(
        completed.contains("context") && completed.contains("config"),
        "{completed}"
    );
}

#[test]
fn there_is_a_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let written = run(&["man", "--out", pages.to_str().unwrap()]);
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""), "{written:?}");
    let page =
        |name: &str| std::fs::read_to_string(pages.join(format!("{name}.1"))).unwrap_or_else(|_| panic!("{name}"));
    let whole = page("bellwether");
    for name in commands_of(&[]) {
        let roff = name.replace('-', "\\-");
        assert!(whole.contains(&format!("bellwether\\-{roff}")), "{name}");
        assert!(page(&format!("bellwether-{name}")).contains("SYNOPSIS"), "{name}");
    }
    for name in commands_of(&["context"]) {
        page(&format!("bellwether-context-{name}"));
    }
    assert_eq!(run(&["man"]).stdout, whole);
    assert_eq!(run(&["man", "context", "add"]).stdout, page("bellwether-context-add"));
    let unknown = run(&["man", "nothing"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("there is no command `nothing`"), "{unknown:?}");
}
