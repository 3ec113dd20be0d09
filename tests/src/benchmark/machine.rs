//! What the figures were measured on.

use std::fmt;
use std::fs::read_to_string;
use std::process::Command;
use std::thread::available_parallelism;

/// Shows as one line of Markdown.
#[derive(Debug)]
pub struct Machine {
    /// How many this program may run on; 0 where that is unknown.
    pub cores: usize,
    /// What the processor calls itself.
    pub model: String,
    /// The version of Linux.
    pub kernel: String,
    /// The compiler on this machine; it may have built this program or not.
    pub compiler: String,
    /// Of the working tree the benchmark was started in, with `+` if it has changes.
    pub commit: String,
}

impl Machine {
    /// The one this program runs on.
    pub fn this() -> Self {
        let commit = said_by("git", &["rev-parse", "--short", "HEAD"]);
        let changes = said_by("git", &["status", "--porcelain", "--untracked-files=no"]);
        let commit = match (commit, changes.as_deref()) {
            (Some(commit), Some("")) => commit,
            (Some(commit), _) => format!("{commit}+"),
            (None, _) => "unknown".to_owned(),
        };
        Self {
            cores: available_parallelism().map_or(0, usize::from),
            model: model().unwrap_or_else(|| "unknown CPU".to_owned()),
            kernel: read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            compiler: said_by("rustc", &["--version"]).unwrap_or_else(|| "unknown rustc".to_owned()),
            commit,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cores,
            model,
            kernel,
            compiler,
            commit,
        } = self;
        let build = if cfg!(debug_assertions) {
            "debug build, which says nothing"
        } else {
            "release build"
        };
        write!(
            f,
            "{cores} cores ({model}), Linux {kernel}, {compiler}, commit {commit}, {build}."
        )
    }
}

fn model() -> Option<String> {
    let info = read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// What a command prints, if it is there and succeeds.
fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
