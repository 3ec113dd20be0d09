use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn breaker(failure_threshold: u32) -> CircuitBreaker {
    CircuitBreaker::new(BreakerSettings {
        failure_threshold: NonZeroU32::new(failure_threshold).unwrap(),
        ..BreakerSettings::default()
    })
}

/// Opened at second 10.
fn opened() -> CircuitBreaker {
    let mut breaker = breaker(1);
    assert_eq!(breaker.on_failure(at(10)), Some(BreakerEvent::Opened));
    breaker
}

#[test]
fn the_fifth_failure_in_a_row_opens_it_by_default() {
    let mut breaker = CircuitBreaker::new(BreakerSettings::default());
    for second in 1..=4 {
        assert_eq!(breaker.permit(at(second)), (Permit::Allowed, None));
        assert_eq!(breaker.on_failure(at(second)), None);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert_eq!(breaker.on_failure(at(5)), Some(BreakerEvent::Opened));
    assert_eq!(breaker.state(), BreakerState::Open);
    assert_eq!(breaker.permit(at(6)), (Permit::Refused { retry_in: at(59) }, None));
}

#[test]
fn a_success_between_failures_starts_the_count_anew() {
    let mut breaker = breaker(2);
    assert_eq!(breaker.on_failure(at(1)), None);
    assert_eq!(breaker.on_success(at(2)), None);
    assert_eq!(breaker.on_failure(at(3)), None);
    assert_eq!(breaker.on_failure(at(4)), Some(BreakerEvent::Opened));
}

#[test]
fn after_the_time_one_call_tries_and_the_others_wait() {
    let mut breaker = opened();
    let just_before = at(70) - Duration::from_nanos(1);
    let retry_in = Duration::from_nanos(1);
    assert_eq!(breaker.permit(just_before), (Permit::Refused { retry_in }, None));
    assert_eq!(breaker.state(), BreakerState::Open);
    assert_eq!(breaker.permit(at(70)), (Permit::Probe, Some(BreakerEvent::HalfOpened)));
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(breaker.permit(at(71)), (Permit::Refused { retry_in: at(59) }, None));
}

#[test]
fn a_probe_that_succeeds_closes_it() {
    let mut breaker = opened();
    breaker.permit(at(70));
    assert_eq!(breaker.on_success(at(71)), Some(BreakerEvent::Closed));
    assert_eq!(breaker.permit(at(71)), (Permit::Allowed, None));
    assert_eq!(breaker.statistics().consecutive_failures, 0);
}

#[test]
fn one_failed_probe_opens_it_again_for_the_whole_time() {
    let mut breaker = breaker(3);
    for _ in 0..3 {
        breaker.on_failure(at(10));
    }
    breaker.permit(at(70));
    assert_eq!(breaker.on_failure(at(75)), Some(BreakerEvent::Opened));
    assert_eq!(breaker.permit(at(134)), (Permit::Refused { retry_in: at(1) }, None));
    assert_eq!(breaker.permit(at(135)), (Permit::Probe, Some(BreakerEvent::HalfOpened)));
    assert_eq!(breaker.statistics().trips, 2);
}

#[test]
fn a_probe_that_is_never_heard_of_again_does_not_block_for_ever() {
    let mut breaker = opened();
    breaker.permit(at(70));
    assert_eq!(breaker.permit(at(129)), (Permit::Refused { retry_in: at(1) }, None));
    assert_eq!(
        breaker.permit(at(130)),
        (Permit::Probe, None),
        "half-open already, no event"
    );
    assert_eq!(breaker.permit(at(131)), (Permit::Refused { retry_in: at(59) }, None));
}

#[test]
fn outcomes_of_earlier_calls_change_nothing_while_it_is_open() {
    let mut breaker = opened();
    assert_eq!(breaker.on_success(at(20)), None);
    assert_eq!(breaker.statistics().consecutive_failures, 0);
    assert_eq!(breaker.on_failure(at(30)), None);
    assert_eq!(breaker.permit(at(69)), (Permit::Refused { retry_in: at(1) }, None));
    assert_eq!(breaker.statistics().trips, 1);
}

#[test]
fn one_failed_probe_is_enough_though_a_late_success_came_before_it() {
    let mut breaker = breaker(3);
    for _ in 0..3 {
        breaker.on_failure(at(10));
    }
    breaker.on_success(at(11));
    breaker.permit(at(70));
    assert_eq!(breaker.on_failure(at(71)), Some(BreakerEvent::Opened));
}

#[test]
fn a_reset_closes_it_and_says_so_only_if_it_was_not_closed() {
    let mut breaker = breaker(2);
    breaker.on_failure(at(1));
    assert_eq!(breaker.reset(), None);
    assert_eq!(breaker.on_failure(at(2)), None, "the first failure is forgotten");
    breaker.on_failure(at(3));
    assert_eq!(breaker.reset(), Some(BreakerEvent::Closed));
    assert_eq!(breaker.permit(at(3)), (Permit::Allowed, None));
}

#[test]
fn one_that_is_switched_off_allows_everything_and_still_counts() {
    let mut breaker = CircuitBreaker::new(BreakerSettings {
        enabled: false,
        ..BreakerSettings::default()
    });
    for second in 0..20 {
        assert_eq!(breaker.permit(at(second)), (Permit::Allowed, None));
        assert_eq!(breaker.on_failure(at(second)), None);
    }
    assert_eq!(breaker.statistics().failed, 20);
    assert_eq!(breaker.statistics().trips, 0);
}

#[test]
fn everything_is_counted() {
    let mut breaker = breaker(2);
    for second in [1, 2] {
        breaker.permit(at(second));
        breaker.on_failure(at(second));
    }
    breaker.permit(at(3));
    breaker.permit(at(62));
    breaker.on_success(at(63));
    breaker.permit(at(64));
    breaker.on_failure(at(65));
    let expected = BreakerStatistics {
        total: 5,
        successful: 1,
        failed: 3,
        refused: 1,
        trips: 1,
        consecutive_failures: 1,
        last_success: Some(at(63)),
        last_failure: Some(at(65)),
    };
    assert_eq!(breaker.statistics(), expected);
}

#[test]
fn states_and_events_have_their_words() {
    assert_eq!(BreakerEvent::Opened.name(), "circuit_breaker_opened");
    assert_eq!(BreakerEvent::HalfOpened.name(), "circuit_breaker_half_open");
    assert_eq!(BreakerEvent::Closed.name(), "circuit_breaker_closed");
    for state in [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen] {
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.name()));
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask,
    Succeed,
    Fail,
    Reset,
}

proptest! {
    #[test]
    fn probes_keep_their_distance_and_each_change_is_told(
        steps in prop::collection::vec((
            0..8_u64,
            prop::sample::select(&[Step::Ask, Step::Ask, Step::Succeed, Step::Fail, Step::Fail, Step::Reset][..]),
        ), 0..200),
    ) {
        let open_for = at(5);
        let mut breaker = CircuitBreaker::new(BreakerSettings { open_for, ..breaker(2).settings });
        let mut now = at(0);
        let mut told = BreakerState::Closed;
        let mut wait_until = at(0);
        for (later, step) in steps {
            now += at(later);
            let event = match step {
                Step::Ask => {
                    let (permit, event) = breaker.permit(now);
                    match permit {
                        Permit::Allowed => prop_assert_eq!(breaker.state(), BreakerState::Closed),
                        Permit::Probe => {
                            prop_assert!(now >= wait_until);
                            wait_until = now + open_for;
                        }
                        Permit::Refused { retry_in } => prop_assert_eq!(now + retry_in, wait_until),
                    }
                    event
                }
                Step::Succeed => breaker.on_success(now),
                Step::Fail => breaker.on_failure(now),
                Step::Reset => breaker.reset(),
            };
            if let Some(event) = event {
                let before = told;
                told = match event {
                    BreakerEvent::Opened => BreakerState::Open,
                    BreakerEvent::HalfOpened => BreakerState::HalfOpen,
                    BreakerEvent::Closed => BreakerState::Closed,
                };
                prop_assert_ne!(before, told);
                if event == BreakerEvent::Opened {
                    wait_until = now + open_for;
                }
            }
            prop_assert_eq!(told, breaker.state());
            let counts = breaker.statistics();
            prop_assert!(counts.refused <= counts.total);
        }
    }
}
