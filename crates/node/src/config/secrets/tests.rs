use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const FIRST: &str = "first-secret-of-the-cluster-0123456789";
const SECOND: &str = "second-secret-of-the-cluster-123456789";

/// A secret file in a folder of its own, removed in the end.
struct SecretFile {
    folder: PathBuf,
    file: PathBuf,
}

impl SecretFile {
    fn new(text: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("bellwether-secrets-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("secrets");
        fs::write(&file, text).unwrap();
        let this = Self { folder, file };
        this.set_mode(0o600);
        this
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&self.file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _: u32) {}

    fn read(&self) -> Result<Secrets, ConfigError> {
        Secrets::read(&self.file)
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn texts(secrets: &Secrets) -> Vec<&str> {
    secrets.iter().map(|secret| str::from_utf8(secret).unwrap()).collect()
}

fn load(value: &str) -> Result<Secrets, ConfigError> {
    let source = SecretSource::Value(Zeroizing::new(value.as_bytes().to_vec()));
    Secrets::load(&source, &Origin::Variable("SECRET_KEY_BASE".to_owned()))
}

/// The error's words, after making sure that neither they nor its `Debug` show `secret`.
fn refusal(refused: Result<Secrets, ConfigError>, secret: &str) -> String {
    let error = refused.unwrap_err();
    let words = error.to_string();
    assert!(
        !words.contains(secret) && !format!("{error:?}").contains(secret),
        "{words}"
    );
    words
}

#[test]
fn a_file_holds_one_secret_per_line_and_the_first_stays_first() {
    let file = SecretFile::new(&format!("# made in May\n\n{FIRST} \t\r\n{SECOND}\n{FIRST}\n"));
    assert_eq!(texts(&file.read().unwrap()), [FIRST, SECOND]);
}

#[test]
fn the_last_line_of_a_file_needs_no_end() {
    assert_eq!(texts(&SecretFile::new(FIRST).read().unwrap()), [FIRST]);
}

#[test]
fn a_secret_is_the_same_from_a_file_and_from_the_environment() {
    let from_file = SecretFile::new(&format!("{FIRST}\r\n")).read().unwrap();
    assert_eq!(texts(&load(&format!("{FIRST}\r\n")).unwrap()), texts(&from_file));
}

#[test]
fn an_empty_secret_is_refused_and_the_way_to_make_one_told() {
    for empty in ["", "  \n"] {
        let words = refusal(load(empty), "\u{0}");
        assert_eq!(
            words,
            "SECRET_KEY_BASE: the secret is empty; make one with `bellwether secret new`"
        );
    }
}

#[test]
fn a_secret_of_31_bytes_is_refused_and_one_of_32_taken() {
    let secret = &FIRST[..32];
    assert_eq!(load(secret).unwrap().len(), 1);
    let words = refusal(load(&secret[..31]), &secret[..31]);
    assert_eq!(
        words,
        "SECRET_KEY_BASE: the secret has 31 bytes, at least 32 are needed; make one with `bellwether secret new`"
    );
}

#[test]
fn a_short_secret_in_a_file_is_named_by_its_line() {
    let file = SecretFile::new(&format!("# current\n{FIRST}\nhunter2\n"));
    let words = refusal(file.read(), "hunter2");
    assert!(
        words.starts_with(&format!("{}:3: the secret has 7 bytes", file.file.display())),
        "{words}"
    );
}

#[test]
fn a_secret_of_one_repeated_byte_is_refused() {
    let secret = "x".repeat(64);
    let words = refusal(load(&secret), &secret);
    assert!(
        words.contains("one character over and over") && words.contains("bellwether secret new"),
        "{words}"
    );
}

#[test]
fn the_environment_takes_a_single_line() {
    let words = refusal(load(&format!("{FIRST}\n{SECOND}\n")), FIRST);
    assert!(
        words.starts_with("SECRET_KEY_BASE has several lines") && words.contains("SECRET_KEY_BASE_FILE"),
        "{words}"
    );
}

#[test]
fn a_program_gives_secrets_under_the_same_rules() {
    assert_eq!(texts(&Secrets::new([FIRST, SECOND]).unwrap()), [FIRST, SECOND]);
    assert!(Secrets::new(Vec::<Vec<u8>>::new()).unwrap().is_empty());
    let words = refusal(Secrets::new(["short"]), "short,");
    assert!(words.starts_with("in the program: the secret has 5 bytes"), "{words}");
}

#[test]
fn a_file_without_a_secret_is_refused() {
    let words = refusal(SecretFile::new("# nothing yet\n\n").read(), "\u{0}");
    assert!(
        words.contains("has no secret in it") && words.contains("bellwether secret new"),
        "{words}"
    );
}

#[test]
fn a_file_of_the_most_bytes_is_read_and_one_byte_more_refused() {
    let comment = format!("{FIRST}\n#{}", "-".repeat(SECRET_FILE_BYTES_MAX - FIRST.len() - 2));
    assert_eq!(SecretFile::new(&comment).read().unwrap().len(), 1);
    let words = refusal(SecretFile::new(&format!("{comment}-")).read(), FIRST);
    assert!(words.contains("more than 65536 bytes"), "{words}");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_or_change_is_refused_with_its_mode() {
    let file = SecretFile::new(FIRST);
    for mode in [0o604, 0o602, 0o601, 0o620, 0o644, 0o660, 0o666] {
        file.set_mode(mode);
        let words = refusal(file.read(), FIRST);
        assert!(words.contains(&format!("has mode {mode:04o}")), "{words}");
        assert!(
            words.contains(&format!("`chmod 600 {}`", file.file.display())),
            "{words}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_file_for_its_owner_or_readable_by_its_group_is_taken() {
    let file = SecretFile::new(FIRST);
    // 0440 is how systemd's LoadCredential and container secrets deliver it.
    for mode in [0o400, 0o440, 0o600, 0o640, 0o700] {
        file.set_mode(mode);
        assert_eq!(file.read().unwrap().len(), 1, "{mode:o}");
    }
}

#[test]
fn a_missing_file_is_named_with_its_cause() {
    let error = Secrets::read(Path::new("/nowhere/at/all/in/this/file/system")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the secret file /nowhere/at/all/in/this/file/system"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_secret_put_where_its_path_belongs_is_not_repeated() {
    for secret in [
        "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
        "c2VjcmV0/2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0+",
    ] {
        let source = SecretSource::File(secret.into());
        assert!(!format!("{source:?}").contains(secret));
        let words = refusal(Secrets::load(&source, &Origin::Program), secret);
        assert!(words.contains("withheld"), "{words}");
    }
}

#[test]
fn debug_shows_nothing_of_a_secret() {
    let secrets = Secrets::new([FIRST]).unwrap();
    assert_eq!(format!("{secrets:?}"), "[redacted]");
    let source = SecretSource::Value(Zeroizing::new(FIRST.as_bytes().to_vec()));
    assert_eq!(format!("{source:?}"), "Value([redacted])");
}
