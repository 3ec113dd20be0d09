//! `bellwether completions`: what a shell needs to complete our commands.

use clap_complete::Shell;

use crate::failure::Failure;
use crate::output::Output;

/// The command.
#[derive(Debug)]
pub(crate) struct Completions {
    pub(crate) shell: Shell,
    /// What can be typed.
    pub(crate) program: clap::Command,
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut output = Output::stdout();
        output.text(&self.script())?;
        output.flush()
    }

    fn script(mut self) -> String {
        let name = self.program.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut self.program, name, &mut script);
        String::from_utf8_lossy(&script).into_owned()
    }
}
