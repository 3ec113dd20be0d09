//! Whether the certificate of the doors holds, and for how long.

mod validity;

use bellwether::config::TlsFiles;
use bellwether_gateway::tls::Certified;
use bellwether_message::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use self::validity::{Validity, validity};
use super::finding::{Finding, Verdict};

const CHECK: &str = "certificate";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Certificates that are renewed by machines are so well before their last three weeks.
const SOON_DAYS: i64 = 21;
const NOW_DAYS: i64 = 3;
const WHY: &str = "clients refuse a door whose certificate is not valid";

pub(super) fn check(files: &TlsFiles) -> Finding {
    // As the node reads them when it starts.
    let read = Certified::read(&files.certificate, &files.key);
    if let Err(err) = read.and_then(|certified| certified.server_config(&[])) {
        let found = format!("{:#}", anyhow::Error::new(err));
        let advice = "give `tls_certificate` and `tls_key` that belong together, in PEM, which the node can read";
        return Finding::bad(
            CHECK,
            Verdict::Critical,
            found,
            "the node does not start with it",
            advice,
        );
    }
    let chain = match CertificateDer::pem_file_iter(&files.certificate) {
        Ok(chain) => chain,
        Err(err) => return Finding::unknown(CHECK, format!("{} cannot be read: {err}", files.certificate.display())),
    };
    let chain = chain.filter_map(Result::ok).map(|certificate| validity(&certificate));
    judge(
        &files.certificate.display().to_string(),
        &chain.collect::<Vec<_>>(),
        Timestamp::now(),
    )
}

/// Of a chain: it holds while all of it does.
fn judge(file: &str, chain: &[Option<Validity>], now: Timestamp) -> Finding {
    let Some(chain) = chain.iter().copied().collect::<Option<Vec<_>>>() else {
        return Finding::unknown(CHECK, format!("{file} does not say until when it holds"));
    };
    let (Some(from), Some(until)) = (
        chain.iter().map(|validity| validity.not_before).max(),
        chain.iter().map(|validity| validity.not_after).min(),
    ) else {
        return Finding::unknown(CHECK, format!("{file} has no certificate in it"));
    };
    let bad = |verdict, found| {
        let advice = "put a new certificate and its key into their files, and then `bellwether reload`";
        Finding::bad(CHECK, verdict, found, WHY, advice)
    };
    if now > until {
        return bad(Verdict::Critical, format!("{file} is over since {until}"));
    }
    if now < from {
        let found = format!("{file} holds from {from} on, and now it is {now}: is the clock of this host right?");
        return bad(Verdict::Critical, found);
    }
    let days = (until.as_millis() - now.as_millis()) / DAY_MS;
    let found = format!("{file} holds until {until}, {days} days");
    match days {
        ..NOW_DAYS => bad(Verdict::Critical, found),
        NOW_DAYS..SOON_DAYS => bad(Verdict::Warning, found),
        _ => Finding::ok(CHECK, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000 * DAY_MS);

    fn days(from: i64, until: i64) -> Option<Validity> {
        let at = |days: i64| Timestamp::from_millis(NOW.as_millis() + days * DAY_MS);
        Some(Validity {
            not_before: at(from),
            not_after: at(until),
        })
    }

    #[test]
    fn a_chain_holds_while_all_of_it_does() {
        for (chain, verdict) in [
            (&[days(-1, 90)][..], Verdict::Ok),
            (&[days(-1, 21)], Verdict::Ok),
            (&[days(-1, 20)], Verdict::Warning),
            (&[days(-1, 90), days(-1, 5)], Verdict::Warning),
            (&[days(-1, 2)], Verdict::Critical),
            (&[days(-9, -1)], Verdict::Critical),
            (&[days(1, 90)], Verdict::Critical),
            (&[None], Verdict::Unknown),
            (&[], Verdict::Unknown),
        ] {
            assert_eq!(judge("c.pem", chain, NOW).verdict, verdict, "{chain:?}");
        }
    }

    #[test]
    fn the_files_are_read_as_the_node_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("c.pem"),
            key: folder.path().join("k.pem"),
        };
        let missing = check(&files);
        assert_eq!(missing.verdict, Verdict::Critical);
        assert!(missing.found.contains("c.pem"), "{missing:?}");

        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let good = check(&files);
        assert_eq!(good.verdict, Verdict::Ok, "{good:?}");
        assert!(good.found.contains("until 4096-01-01T00:00:00.000Z"), "{good:?}");
    }
}
