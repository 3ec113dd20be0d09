//! What the figures were measured on.

use std::fs::read_to_string;
use std::process::Command;
use std::thread::available_parallelism;

/// One line of Markdown.
pub(crate) fn facts() -> String {
    let cores = available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let model = model().unwrap_or_else(|| "unknown CPU".to_owned());
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let build = if cfg!(debug_assertions) {
        "debug build, which says nothing"
    } else {
        "release build"
    };
    format!(
        "{cores} cores ({model}), Linux {}, {}, {build}.",
        kernel.trim(),
        compiler()
    )
}

fn model() -> Option<String> {
    let info = read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The compiler on this machine; it may have built this program or not.
fn compiler() -> String {
    match Command::new("rustc").arg("--version").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(_) => "unknown rustc".to_owned(),
    }
}
