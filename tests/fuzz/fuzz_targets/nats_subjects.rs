//! Subjects of NATS and topics: what is translated comes back as it was.
#![no_main]

use bellwether_nats::{place_of, write_subject};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|subject: &[u8]| {
    if let Some((instance, topic)) = place_of(subject) {
        let mut back = Vec::new();
        assert!(write_subject(instance, topic.as_str(), &mut back));
        assert_eq!(back, subject);
    }
});
