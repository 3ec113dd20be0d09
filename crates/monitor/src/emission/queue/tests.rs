use proptest::prelude::*;

use super::*;

fn queue(max_messages: usize, max_bytes: usize) -> EmissionQueue<u64> {
    EmissionQueue::new(EmissionSettings {
        max_messages: NonZeroUsize::new(max_messages).unwrap(),
        max_bytes,
        ..EmissionSettings::default()
    })
}

fn filled(count: u64) -> EmissionQueue<u64> {
    let mut queue = queue(100, 1000);
    for item in 0..count {
        queue.push(item, 1);
    }
    queue
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn switched_on_items_go_as_they_come() {
    let mut queue = filled(2);
    assert_eq!(queue.next(ms(0)), Next::Item(0));
    assert_eq!(queue.next(ms(0)), Next::Item(1));
    assert_eq!(queue.next(ms(0)), Next::Empty);
    assert_eq!((queue.len(), queue.bytes()), (0, 0));
}

#[test]
fn a_pause_holds_everything_and_the_order_is_kept_after_it() {
    let mut queue = filled(2);
    assert_eq!(queue.next(ms(0)), Next::Item(0));
    assert_eq!(queue.set(Emission::Paused), Some(Emission::On));
    assert_eq!(queue.set(Emission::Paused), None);
    queue.push(2, 1);
    assert_eq!(queue.next(ms(1)), Next::Paused);
    assert_eq!(queue.next(Duration::MAX), Next::Paused, "no time ends it");
    assert_eq!(queue.set(Emission::On), Some(Emission::Paused));
    assert_eq!(queue.next(ms(2)), Next::Item(1));
    assert_eq!(queue.next(ms(2)), Next::Item(2));
}

#[test]
fn throttled_ten_a_second_go_evenly_spaced() {
    let mut queue = filled(30);
    queue.set(Emission::Throttled);
    assert_eq!(queue.next(ms(50)), Next::Item(0));
    assert_eq!(queue.next(ms(50)), Next::WaitUntil(ms(150)));
    assert_eq!(queue.next(ms(149)), Next::WaitUntil(ms(150)));
    assert_eq!(queue.next(ms(150)), Next::Item(1));
    assert_eq!(queue.next(ms(5000)), Next::Item(2));
    assert_eq!(queue.next(ms(5000)), Next::WaitUntil(ms(5100)), "nothing is caught up");
}

#[test]
fn the_first_throttled_item_keeps_its_distance_from_the_last_unthrottled_one() {
    let mut queue = filled(3);
    assert_eq!(queue.next(ms(50)), Next::Item(0));
    queue.set(Emission::Throttled);
    assert_eq!(queue.next(ms(60)), Next::WaitUntil(ms(150)));
    queue.set(Emission::On);
    assert_eq!(queue.next(ms(60)), Next::Item(1));
    queue.set(Emission::Paused);
    queue.set(Emission::Throttled);
    assert_eq!(queue.next(ms(61)), Next::WaitUntil(ms(160)), "switching gains nothing");
}

#[test]
fn thirds_of_a_second_are_rounded_up() {
    let mut queue = EmissionQueue::new(EmissionSettings {
        throttle_per_second: NonZeroU32::new(3).unwrap(),
        ..EmissionSettings::default()
    });
    queue.set(Emission::Throttled);
    queue.push(0, 1);
    queue.push(1, 1);
    assert_eq!(queue.next(ms(0)), Next::Item(0));
    assert_eq!(queue.next(ms(0)), Next::WaitUntil(Duration::from_nanos(333_333_334)));
}

#[test]
fn when_full_the_oldest_go_and_are_told_once_before_the_item_after_them() {
    let mut queue = queue(3, 1000);
    queue.set(Emission::Paused);
    for item in 0..5 {
        queue.push(item, 1);
    }
    assert_eq!(queue.next(ms(0)), Next::Paused);
    queue.set(Emission::On);
    assert_eq!(queue.next(ms(0)), Next::Lost(2));
    assert_eq!(queue.next(ms(0)), Next::Item(2));
    queue.push(5, 1);
    queue.push(6, 1);
    assert_eq!(queue.next(ms(0)), Next::Lost(1), "3 is gone");
    for item in 4..=6 {
        assert_eq!(queue.next(ms(0)), Next::Item(item));
    }
    assert_eq!(queue.next(ms(0)), Next::Empty);
}

#[test]
fn a_loss_takes_no_turn_of_a_throttled_item_and_waits_with_it() {
    let mut queue = queue(1, 1000);
    queue.set(Emission::Throttled);
    queue.push(0, 1);
    assert_eq!(queue.next(ms(0)), Next::Item(0));
    queue.push(1, 1);
    queue.push(2, 1);
    assert_eq!(queue.next(ms(10)), Next::WaitUntil(ms(100)));
    queue.push(3, 1);
    assert_eq!(queue.next(ms(100)), Next::Lost(2), "one count for all that went");
    assert_eq!(queue.next(ms(100)), Next::Item(3));
}

#[test]
fn bytes_are_bounded_to_the_last_one() {
    let mut queue = queue(100, 10);
    queue.push(0, 4);
    queue.push(1, 6);
    assert_eq!((queue.len(), queue.bytes()), (2, 10));
    queue.push(2, 1);
    assert_eq!((queue.len(), queue.bytes()), (2, 7));
    assert_eq!(queue.next(ms(0)), Next::Lost(1));
}

#[test]
fn an_item_larger_than_the_bound_is_held_alone() {
    let mut queue = queue(100, 10);
    queue.push(0, 1);
    queue.push(1, usize::MAX);
    assert_eq!(queue.len(), 1);
    queue.push(2, usize::MAX);
    assert_eq!(queue.next(ms(0)), Next::Lost(2));
    assert_eq!(queue.next(ms(0)), Next::Item(2));
    queue.push(3, 0);
    assert_eq!(queue.bytes(), 0, "nothing of it remains");
}

#[test]
fn the_defaults_are_those_of_other_queues() {
    let settings = EmissionSettings::default();
    assert_eq!(settings.throttle_per_second.get(), 10);
    assert_eq!(settings.max_messages.get(), 16_384);
    assert_eq!(settings.max_bytes, 16_777_216);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Set(Emission),
    Push(usize),
    Next(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let emissions = [Emission::On, Emission::Throttled, Emission::Paused];
    prop_oneof![
        1 => prop::sample::select(emissions.to_vec()).prop_map(Step::Set),
        4 => (0..15_usize).prop_map(Step::Push),
        4 => (0..120_u64).prop_map(Step::Next),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn every_item_comes_in_order_or_is_counted_in_its_place(steps in prop::collection::vec(step(), 0..200)) {
        let mut queue = queue(5, 20);
        let mut now = ms(0);
        let (mut pushed, mut expected) = (0, 0);
        let mut last_item: Option<Duration> = None;
        let mut told_loss = false;
        let drain = std::iter::once(Step::Set(Emission::On)).chain(std::iter::repeat_n(Step::Next(0), 7));
        for step in steps.into_iter().chain(drain) {
            match step {
                Step::Set(emission) => {
                    queue.set(emission);
                }
                Step::Push(cost) => {
                    queue.push(pushed, cost);
                    pushed += 1;
                    told_loss = false;
                }
                Step::Next(later) => {
                    now += ms(later);
                    match queue.next(now) {
                        Next::Item(item) => {
                            prop_assert_eq!(item, expected);
                            prop_assert_ne!(queue.emission(), Emission::Paused);
                            let is_due = last_item.is_none_or(|last| now >= last + ms(100));
                            prop_assert!(queue.emission() != Emission::Throttled || is_due);
                            expected += 1;
                            last_item = Some(now);
                            told_loss = false;
                        }
                        Next::Lost(count) => {
                            prop_assert!(count > 0 && !told_loss);
                            expected += count;
                            told_loss = true;
                        }
                        Next::WaitUntil(due) => {
                            prop_assert_eq!(queue.emission(), Emission::Throttled);
                            prop_assert!(due > now && due <= now + ms(100));
                        }
                        Next::Paused => prop_assert_eq!(queue.emission(), Emission::Paused),
                        Next::Empty => prop_assert_eq!(expected, pushed),
                    }
                }
            }
            prop_assert!(queue.len() <= 5);
            prop_assert!(queue.bytes() <= 20 || queue.len() == 1);
        }
        prop_assert_eq!(expected, pushed);
        prop_assert!(queue.is_empty());
    }
}
