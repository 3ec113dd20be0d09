//! The program as a user runs it: real processes, exit codes, what is on stdout and what on stderr.

// `cfg` tells clippy that what the tests share is a test too.
#[cfg(test)]
mod program {
    mod alerts;
    mod catalogue;
    mod config;
    mod demo;
    mod fake_node;
    mod node;
    mod publish;
    mod run;
    mod subscribe;
    mod token;
    mod typed;
    mod usage;
}
