//! Who else may read what must stay secret.

use std::path::Path;

use bellwether::config::SecretSource;

use super::finding::{Finding, Verdict};

/// Any right of others, and write for the group; group read is how services get their secrets.
const REFUSED_MODE: u32 = 0o027;
const GROUP_READ: u32 = 0o040;
const WHY: &str = "whoever has the mesh's secret is a member of it; whoever has the key of a door can pose as the node";

/// Where the mesh's secret stands.
pub(super) fn check(source: Option<&SecretSource>) -> Finding {
    const CHECK: &str = "secret";
    match source {
        None => Finding::ok(CHECK, "there is none: this node is alone, for programs on this host"),
        Some(SecretSource::Value(_)) => Finding::ok(CHECK, "it stands in SECRET_KEY_BASE"),
        Some(SecretSource::File(file)) => check_file(CHECK, file),
    }
}

/// A file that holds a secret.
pub(super) fn check_file(check: &'static str, file: &Path) -> Finding {
    match std::fs::metadata(file) {
        Ok(metadata) => judge(check, file, mode(&metadata)),
        Err(err) => {
            let found = format!("{} cannot be looked at: {err}", file.display());
            let advice = "name a file that the user of the node can read";
            Finding::bad(
                check,
                Verdict::Critical,
                found,
                "the node does not start without it",
                advice,
            )
        }
    }
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> u32 {
    0
}

fn judge(check: &'static str, file: &Path, mode: u32) -> Finding {
    let file = file.display();
    let found = format!("{file} has mode {mode:04o}");
    if mode & REFUSED_MODE != 0 {
        let advice = format!("`chmod 0600 {file}`, and make a new one if others may have read it");
        return Finding::bad(check, Verdict::Critical, found, WHY, advice);
    }
    match mode & GROUP_READ {
        0 => Finding::ok(check, found),
        _ => Finding::ok(check, format!("{found}: its group may read it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_have_no_right_to_it() {
        for (mode, verdict) in [
            (0o600, Verdict::Ok),
            (0o400, Verdict::Ok),
            (0o440, Verdict::Ok),
            (0o460, Verdict::Critical),
            (0o604, Verdict::Critical),
            (0o644, Verdict::Critical),
        ] {
            assert_eq!(judge("secret", Path::new("s"), mode).verdict, verdict, "{mode:o}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_looked_at_and_its_content_is_not() {
        use std::os::unix::fs::PermissionsExt;

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret").unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        let finding = check(Some(&SecretSource::File(file.path().to_owned())));
        assert_eq!(finding.verdict, Verdict::Critical);
        assert!(
            finding.found.contains("mode 0644") && !format!("{finding:?}").contains("s3cret"),
            "{finding:?}"
        );
        assert_eq!(
            check_file("secret", Path::new("/nowhere/secret")).verdict,
            Verdict::Critical
        );
    }
}
