//! `bellwether man`: manual pages, from the same definition as `--help`.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::failure::Failure;
use crate::output::Output;

/// The command.
#[derive(Debug)]
pub(crate) struct Man {
    /// What can be typed.
    pub(crate) program: clap::Command,
    /// Whose page is printed: words, none for the program itself.
    pub(crate) command: Vec<String>,
    /// Where all pages are written to instead.
    pub(crate) out: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        self.program.build();
        match &self.out {
            Some(folder) => write_all(&self.program, folder),
            None => self.print(),
        }
    }

    fn print(&self) -> Result<(), Failure> {
        let mut command = &self.program;
        for word in &self.command {
            command = command.find_subcommand(word).ok_or_else(|| {
                let words = format!(
                    "there is no command `{}`; see `bellwether help`",
                    self.command.join(" ")
                );
                Failure::usage(anyhow::Error::msg(words))
            })?;
        }
        let page = page(command).context("the page cannot be made")?;
        let mut output = Output::stdout();
        output.text(&String::from_utf8_lossy(&page))?;
        output.flush()
    }
}

fn page(command: &clap::Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}

fn write_all(command: &clap::Command, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let name = command.get_display_name().unwrap_or(command.get_name());
    let file = folder.join(format!("{name}.1"));
    page(command)
        .and_then(|page| std::fs::write(&file, page))
        .with_context(|| format!("cannot write {}", file.display()))?;
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        write_all(command, folder)?;
    }
    Ok(())
}
