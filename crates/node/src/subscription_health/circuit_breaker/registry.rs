//! The breakers of a node.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_monitor::breaker::CircuitBreaker;

use super::{Breaker, BreakerOptions};

/// Breakers that a node keeps: far more services than one program calls. What happens to one more is said at
/// [`Node::circuit_breaker`](crate::Node::circuit_breaker).
pub const MAX_BREAKERS: usize = 1_024;

/// The breakers of a node, the oldest first; at most [`MAX_BREAKERS`].
#[derive(Debug, Default)]
pub(in crate::subscription_health) struct Breakers(Mutex<Vec<Arc<Breaker>>>);

impl Breakers {
    /// The breaker of a service.
    pub(super) fn of(&self, service: &str, options: BreakerOptions) -> Arc<Breaker> {
        let mut breakers = self.lock();
        if let Some(known) = breakers.iter().find(|breaker| breaker.service == service) {
            return known.clone();
        }
        let breaker = Arc::new(Breaker {
            service: service.to_owned(),
            guards: options.guards,
            rules: Mutex::new(CircuitBreaker::new(options.settings)),
        });
        if breakers.len() >= MAX_BREAKERS
            && let Some(unused) = breakers.iter().position(|breaker| Arc::strong_count(breaker) == 1)
        {
            breakers.remove(unused);
        }
        if breakers.len() < MAX_BREAKERS {
            breakers.push(breaker.clone());
        } else {
            tracing::warn!(
                service,
                "a node keeps at most {MAX_BREAKERS} circuit breakers; this one is not listed"
            );
        }
        breaker
    }

    /// All of them, by service.
    pub(super) fn all(&self) -> Vec<Arc<Breaker>> {
        let mut breakers = self.lock().clone();
        breakers.sort_by(|one, other| one.service.cmp(&other.service));
        breakers
    }

    pub(super) fn forget(&self, breaker: &Arc<Breaker>) {
        self.lock().retain(|known| !Arc::ptr_eq(known, breaker));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Breaker>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_service_has_one_breaker_and_its_first_options() {
        let breakers = Breakers::default();
        let first = breakers.of("b", BreakerOptions::default().guards("main", "orders"));
        let again = breakers.of("b", BreakerOptions::default());
        assert!(Arc::ptr_eq(&first, &again));
        assert!(again.guards.is_some());
        breakers.of("a", BreakerOptions::default());
        let names: Vec<String> = breakers.all().iter().map(|breaker| breaker.service.clone()).collect();
        assert_eq!(names, ["a", "b"]);
        breakers.forget(&first);
        assert_eq!(breakers.all().len(), 1);
        assert!(!Arc::ptr_eq(&first, &breakers.of("b", BreakerOptions::default())));
    }

    #[test]
    fn when_there_is_no_room_the_oldest_that_nobody_holds_goes() {
        let breakers = Breakers::default();
        let mut held = vec![breakers.of("0", BreakerOptions::default())];
        for number in 1..MAX_BREAKERS {
            breakers.of(&number.to_string(), BreakerOptions::default());
        }
        held.push(breakers.of("new", BreakerOptions::default()));
        let names: Vec<String> = breakers.all().iter().map(|breaker| breaker.service.clone()).collect();
        assert_eq!(names.len(), MAX_BREAKERS);
        assert!(names.contains(&"0".to_owned()), "it is held");
        assert!(!names.contains(&"1".to_owned()));
        assert!(names.contains(&"new".to_owned()));
        held.extend(breakers.all());
        let unlisted = breakers.of("one more", BreakerOptions::default());
        assert_eq!(breakers.all().len(), MAX_BREAKERS);
        assert_eq!(unlisted.service, "one more");
    }
}
