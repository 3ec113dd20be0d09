//! Patterns and topics as clients write them: a topic that is also a pattern matches itself.
#![no_main]

use bellwether_message::{Pattern, Topic};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (pattern, topic) = input;
    if let Ok(pattern) = Pattern::new(pattern) {
        pattern.matches(topic);
        assert_eq!(Pattern::new(pattern.as_str()), Ok(pattern));
    }
    if Topic::new(topic).is_ok() && Pattern::new(topic).is_ok_and(|pattern| pattern.queue().is_none()) {
        assert!(Pattern::new(topic).is_ok_and(|pattern| pattern.matches(topic)));
    }
});
