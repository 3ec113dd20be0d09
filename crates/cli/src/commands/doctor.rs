//! `bellwether doctor`: what on this host, in its configuration and in the mesh is not as it should be, and what to do.

mod certificate;
mod clock;
mod configuration;
mod descriptors;
mod disk;
mod finding;
mod members;
mod mtu;
mod node;
mod offload;
mod secret;
mod seeds;
mod udp_buffers;
mod versions;

use std::path::PathBuf;

use bellwether::Config;
use bellwether::config::{SecretSource, default_data_dir};
use serde::Serialize;

use self::finding::{Finding, Verdict};
use crate::commands::config::Settings;
use crate::failure::Failure;
use crate::output::{Colour, Format, Output, Paint, printable};
use crate::reach::Reach;
use crate::runtime::block_on;

/// Width of the column of verdicts.
const VERDICT_WIDTH: usize = 8;
/// Width of the column of checks.
const CHECK_WIDTH: usize = 16;

/// The command.
#[derive(Debug)]
pub(crate) struct Doctor {
    pub(crate) node: Reach,
    pub(crate) settings: Settings,
    /// Leaves out what a node would have to be asked.
    pub(crate) offline: bool,
    pub(crate) format: Format,
}

/// All that was found.
#[derive(Serialize)]
struct Report {
    verdict: Verdict,
    findings: Vec<Finding>,
}

impl Doctor {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self {
            node,
            settings,
            offline,
            format,
        } = self;
        // May ask for names, and so block: before the runtime.
        let host = Host::of(settings);
        block_on(async {
            let mut findings = host.check().await;
            if !offline {
                findings.extend(node::check(&node).await);
            }
            let verdict = findings.iter().map(|finding| finding.verdict).max();
            let report = Report {
                verdict: verdict.unwrap_or(Verdict::Ok),
                findings,
            };
            let mut output = Output::stdout();
            match format {
                Format::Json => output.line(serde_json::to_string(&report).map_err(anyhow::Error::from)?)?,
                Format::Text => output.text(&report.text(Paint::for_stdout()))?,
            }
            output.flush()?;
            match report.verdict.exit_code() {
                0 => Ok(()),
                code => Err(Failure::Told { code }),
            }
        })
    }
}

/// What is to be looked at without a node.
struct Host {
    file: Option<PathBuf>,
    /// Where the secret stands, as far as that can be read.
    secret: Option<SecretSource>,
    config: Result<Config, Failure>,
}

impl Host {
    fn of(settings: Settings) -> Self {
        let secret = settings.layer().ok().and_then(|layer| layer.secret);
        let config = settings.resolve();
        let file = settings.file;
        Self { file, secret, config }
    }

    async fn check(self) -> Vec<Finding> {
        let (finding, config) = configuration::check(self.config, self.file.as_deref());
        let mut findings = vec![finding, secret::check(self.secret.as_ref())];
        if let Some(config) = &config {
            if !config.secrets.is_empty() {
                findings.push(seeds::check(&config.seeds, config.advertise.unwrap_or(config.listen)).await);
            }
            if let Some(files) = &config.tls {
                findings.push(certificate::check(files));
                findings.push(secret::check_file("tls_key", &files.key));
            }
            findings.push(disk::check(&data_folder(config)));
        }
        // A node without a mesh sends no datagrams.
        if config.is_none_or(|config| !config.secrets.is_empty()) {
            findings.extend([udp_buffers::check(), offload::check()]);
        }
        findings.push(descriptors::check());
        findings
    }
}

fn data_folder(config: &Config) -> PathBuf {
    match &config.data_dir {
        Some(folder) => folder.clone(),
        None => default_data_dir(std::env::vars_os(), &config.name),
    }
}

impl Report {
    /// First a line with everything in short, which is what monitoring shows; then one for each check.
    fn text(&self, paint: Paint) -> String {
        let name = self.verdict.name();
        let mut text = paint.paint(colour(self.verdict), name.to_uppercase()).into_owned();
        let wrong: Vec<_> = self
            .findings
            .iter()
            .filter(|finding| finding.verdict != Verdict::Ok)
            .collect();
        let checks: Vec<_> = wrong.iter().map(|finding| finding.check).collect();
        text += &match checks[..] {
            [] => format!(": {} checks\n", self.findings.len()),
            _ => format!(
                ": {} of {} checks: {}\n",
                wrong.len(),
                self.findings.len(),
                checks.join(", ")
            ),
        };
        for finding in &self.findings {
            let verdict = format!("{:<VERDICT_WIDTH$}", finding.verdict.name());
            let verdict = paint.paint(colour(finding.verdict), verdict);
            let found = printable(&finding.found);
            text += &format!("{verdict}  {:<CHECK_WIDTH$}  {found}\n", finding.check);
            let indent = " ".repeat(VERDICT_WIDTH + CHECK_WIDTH + 4);
            if let Some(why) = finding.why {
                text += &format!("{indent}why: {why}\n");
            }
            if let Some(advice) = &finding.advice {
                text += &format!("{indent}do:  {}\n", printable(advice));
            }
        }
        text
    }
}

fn colour(verdict: Verdict) -> Colour {
    match verdict {
        Verdict::Ok => Colour::Green,
        Verdict::Unknown => Colour::Magenta,
        Verdict::Warning => Colour::Yellow,
        Verdict::Critical => Colour::Red,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_it_all_and_the_rest_says_what_to_do() {
        let report = Report {
            verdict: Verdict::Warning,
            findings: vec![
                Finding::ok("configuration", "node a"),
                Finding::bad(
                    "mtu",
                    Verdict::Warning,
                    "a to b: 1200 bytes",
                    "more packets",
                    "raise it",
                ),
            ],
        };
        assert_eq!(
            report.text(Paint::NONE),
            "WARNING: 1 of 2 checks: mtu\n\
             ok        configuration     node a\n\
             warning   mtu               a to b: 1200 bytes\n\
             \x20                           why: more packets\n\
             \x20                           do:  raise it\n"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            json["findings"][0],
            serde_json::json!({"check": "configuration", "verdict": "ok", "found": "node a"})
        );
        assert_eq!(
            (&json["verdict"], &json["findings"][1]["do"]),
            (&"warning".into(), &"raise it".into())
        );
    }
}
