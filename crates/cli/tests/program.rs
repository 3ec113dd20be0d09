//! The program as a user runs it: real processes, exit codes, what is on stdout and what on stderr.

// `cfg` tells clippy that what the tests share is a test too.
#[cfg(test)]
mod program {
    mod alerts;
    mod catalogue;
    mod config;
    mod contexts;
    mod demo;
    mod doctor;
    mod fake_node;
    mod keys;
    mod node;
    mod publish;
    mod request;
    mod run;
    #[cfg(unix)]
    mod screen;
    mod shell;
    mod subscribe;
    mod tail;
    mod token;
    mod top;
    mod trace;
    mod traces;
    mod typed;
    mod usage;
}
