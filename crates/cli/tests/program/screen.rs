//! What is drawn on a terminal: a pseudo-terminal, whose other end is the test's.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use crate::program::node::RunningNode;
use crate::program::run::bellwether;

/// What takes the screen, and gives it back.
const TAKEN: &str = "\x1b[?1049h";
const GIVEN_BACK: &str = "\x1b[?1049l";

/// A program on a terminal of its own.
struct Terminal {
    child: Child,
    ours: File,
    /// All that was written to it.
    drawn: String,
}

impl Terminal {
    fn run(command: &mut Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&theirs, size).unwrap();
        // What the test types is not written back by the terminal itself.
        let mut modes = tcgetattr(&theirs).unwrap();
        modes.local_modes -= LocalModes::ECHO;
        tcsetattr(&theirs, OptionalActions::Now, &modes).unwrap();
        let end = || theirs.try_clone().unwrap();
        // None of its ends stays with us: a program that ends too soon is an error to read from, and no wait without end.
        let child = command
            .env("TERM", "xterm-256color")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        Self {
            child,
            ours: File::from(ours),
            drawn: String::new(),
        }
    }

    /// Waits until this was drawn since the last wait.
    fn wait_for(&mut self, text: &str) {
        let mut since = String::new();
        let mut bytes = [0; 4096];
        while !since.contains(text) {
            let count = self.ours.read(&mut bytes).unwrap();
            since.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        self.drawn += &since;
    }

    fn press(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).unwrap();
    }

    /// Lines are edited by the terminal again: it is not raw any more.
    fn is_cooked(&self) -> bool {
        tcgetattr(&self.ours).unwrap().local_modes.contains(LocalModes::ICANON)
    }
}

#[test]
fn top_draws_what_keys_ask_for_and_gives_the_terminal_back() {
    let node = RunningNode::start();
    for end in ["q", "\x03", "SIGTERM"] {
        let mut terminal = Terminal::run(&mut bellwether(&["--node", &node.url, "top"]));
        terminal.wait_for(TAKEN);
        terminal.wait_for("alive");
        assert!(!terminal.is_cooked());
        terminal.press("\t");
        terminal.wait_for("diagnostics");
        match end {
            "SIGTERM" => {
                let id = terminal.child.id().to_string();
                assert!(Command::new("kill").arg(id).status().unwrap().success());
            }
            keys => terminal.press(keys),
        }
        terminal.wait_for(GIVEN_BACK);
        assert_eq!(terminal.child.wait().unwrap().code(), Some(0), "{end:?}");
        assert!(terminal.is_cooked(), "{end:?}");
        assert_eq!(terminal.drawn.matches(TAKEN).count(), 1);
    }
}
