//! `crates/PROMISES.md`: whole, and every test that it names is there.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("../../../../crates/PROMISES.md");
const PROMISES: usize = 122;

/// The cells of the rows of features.
fn rows() -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| -> Vec<&'static str> {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner.split(" | ").map(str::trim).collect()
    };
    TABLE
        .lines()
        .filter(|line| line.starts_with("| M"))
        .map(cells)
        .collect()
}

/// What stands in back-quotes and names a test: a file, `::`, a function.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.split_once(".rs::"))
        .collect()
}

#[test]
fn every_promise_has_one_row() {
    let rows = rows();
    let ids: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    let expected: Vec<String> = (1..=PROMISES).map(|number| format!("M{number:02}")).collect();
    assert_eq!(ids, expected);
    for row in rows {
        assert_eq!(row.len(), 4, "{row:?}");
        assert!(!row[1].is_empty(), "{row:?}");
        let is_shown = !tests(row[2]).is_empty();
        assert!(is_shown || row[3].len() > 10, "neither shown nor explained: {row:?}");
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [package.join("tests/documents"), package.join("../..")];
    let mut missing = BTreeSet::new();
    let mut named = BTreeSet::new();
    for (file, name) in rows().iter().flat_map(|row| tests(row[2])) {
        let found: Vec<PathBuf> = places.iter().map(|place| place.join(format!("{file}.rs"))).collect();
        let text = found
            .iter()
            .find_map(|file| read_to_string(file).ok())
            .unwrap_or_default();
        if !is_test(&text, name) {
            missing.insert((file, name));
        }
        named.insert((file, name));
    }
    assert_eq!(missing, BTreeSet::new());
    assert!(named.len() > PROMISES, "{}", named.len());
}

/// Whether the file has a function of that name that is marked as a test.
fn is_test(text: &str, name: &str) -> bool {
    let Some(at) = text.find(&format!("fn {name}(")) else {
        return false;
    };
    let before = &text[..at];
    let marks = &before[before.rfind("}\n").unwrap_or_default()..];
    marks.contains("#[test]") || marks.contains("#[tokio::test")
}

#[test]
fn a_name_of_none_is_noticed() {
    assert_eq!(
        tests("`a/b.rs::c`, `nothing` and `d.rs::e`"),
        [("a/b", "c"), ("d", "e")]
    );
    assert!(is_test("}\n#[test]\nfn c() {", "c"));
    assert!(is_test("mod m {\n    #[tokio::test]\n    async fn c() {", "c"));
    assert!(!is_test("#[test]\nfn c() {\n}\nfn d() {", "d"));
    assert!(!is_test("mod m {\n    #[test]\n    fn c() {\n    }\n    fn d() {", "d"));
    assert!(!is_test("", "c"));
}
