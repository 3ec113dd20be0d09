//! Versions of the crates that this program was built with.

/// What the build was locked to.
const LOCK: &str = include_str!("../Cargo.lock");

/// The version of this crate.
pub(crate) fn of(name: &str) -> &'static str {
    find(LOCK, name).unwrap_or("of unknown version")
}

fn find<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, entry) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(entry.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_below_the_name() {
        let lock =
            "[[package]]\nname = \"xy\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"y\"\nversion = \"4.5.6\"\n";
        assert_eq!(find(lock, "y"), Some("4.5.6"));
        assert_eq!(find(lock, "z"), None);
    }

    #[test]
    fn the_systems_are_locked() {
        for name in ["async-nats", "bellwether", "zenoh"] {
            assert!(find(LOCK, name).is_some(), "{name}");
        }
    }
}
