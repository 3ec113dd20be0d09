use super::*;

const EVENTS: Instance = Instance::Events;

/// Rules that are given a sample per second, as additions to the one before.
struct Bench {
    rules: BusRules,
    total: BusSample,
    second: u64,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            rules: BusRules::new(BusSettings::default()).unwrap(),
            total: BusSample::default(),
            second: 0,
        };
        assert_eq!(bench.add(BusSample::default()), "");
        bench
    }

    /// Raised rules with `+`, cleared with `-`.
    fn add(&mut self, more: BusSample) -> String {
        self.total.published += more.published;
        self.total.received += more.received;
        self.total.failed += more.failed;
        self.total.dropped += more.dropped;
        self.total.ended += more.ended;
        self.total.queue_fill = more.queue_fill;
        self.second += 1;
        let changes = self
            .rules
            .on_sample(EVENTS, &self.total, Duration::from_secs(self.second));
        let words = changes
            .iter()
            .map(|change| format!("{}{}", if change.raised { '+' } else { '-' }, change.rule.name()));
        words.collect::<Vec<_>>().join(" ")
    }

    fn volume(&mut self, published: u64, received: u64) -> String {
        self.add(BusSample {
            published,
            received,
            ..BusSample::default()
        })
    }

    fn failed(&mut self, failed: u64) -> String {
        self.add(BusSample {
            failed,
            ..BusSample::default()
        })
    }

    fn queue(&mut self, queue_fill: f64, dropped: u64) -> String {
        self.add(BusSample {
            queue_fill,
            dropped,
            ..BusSample::default()
        })
    }
}

#[test]
fn a_rate_far_above_the_usual_is_told_once_and_its_end_once() {
    let mut bench = Bench::new();
    for _ in 0..20 {
        assert_eq!(bench.volume(300, 200), "");
    }
    assert_eq!(bench.volume(3_000, 2_000), "", "ten times is the limit itself");
    let mut bench = Bench::new();
    for _ in 0..20 {
        bench.volume(300, 200);
    }
    assert_eq!(bench.volume(3_001, 2_000), "+volume_high");
    assert_eq!(bench.volume(9_000, 0), "");
    assert_eq!(bench.volume(2_501, 0), "", "above half the limit it lasts");
    assert_eq!(bench.volume(2_500, 0), "-volume_high");
    assert_eq!(bench.volume(500, 0), "");
}

#[test]
fn a_rate_goes_by_the_time_that_has_passed() {
    let mut bench = Bench::new();
    for _ in 0..5 {
        bench.volume(500, 0);
    }
    bench.second += 9;
    assert_eq!(bench.volume(20_000, 0), "");
    assert_eq!(bench.volume(20_000, 0), "+volume_high");
}

#[test]
fn below_the_floor_nothing_is_unusual_and_without_a_history_neither() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        assert_eq!(bench.volume(1, 0), "");
    }
    assert_eq!(bench.volume(1_000, 0), "");
    let mut bench = Bench::new();
    for _ in 0..LEAST_HISTORY {
        assert_eq!(bench.volume(50_000, 0), "");
    }
    let mut bench = Bench::new();
    for _ in 0..LEAST_HISTORY {
        bench.volume(0, 0);
    }
    assert_eq!(bench.volume(1_001, 0), "+volume_high");
}

#[test]
fn a_high_rate_that_lasts_becomes_usual() {
    let mut bench = Bench::new();
    for _ in 0..HISTORY {
        bench.volume(500, 0);
    }
    assert_eq!(bench.volume(10_000, 0), "+volume_high");
    for _ in 2..HISTORY {
        assert_eq!(bench.volume(10_000, 0), "");
    }
    assert_eq!(bench.volume(10_000, 0), "-volume_high");
    assert_eq!(bench.volume(90_000, 0), "");
    assert_eq!(bench.volume(900_000, 0), "+volume_high");
}

#[test]
fn only_rates_that_are_high_one_after_the_other_become_usual() {
    let mut bench = Bench::new();
    for _ in 0..HISTORY {
        bench.volume(500, 0);
    }
    for _ in 0..3 {
        assert_eq!(bench.volume(10_000, 0), "+volume_high");
        for _ in 0..HISTORY - 2 {
            assert_eq!(bench.volume(10_000, 0), "");
        }
        assert_eq!(bench.volume(500, 0), "-volume_high");
    }
}

#[test]
fn what_was_usual_long_ago_is_forgotten() {
    let mut bench = Bench::new();
    for _ in 0..50 {
        bench.volume(9_000, 0);
    }
    for _ in 0..HISTORY {
        bench.volume(0, 0);
    }
    assert_eq!(bench.volume(1_001, 0), "+volume_high");
}

#[test]
fn failed_publications_count_per_interval() {
    let mut bench = Bench::new();
    let said: Vec<String> = [10, 11, 30, 6, 5, 0, 11].map(|failed| bench.failed(failed)).to_vec();
    assert_eq!(
        said,
        [
            "",
            "+publications_failed",
            "",
            "",
            "-publications_failed",
            "",
            "+publications_failed"
        ]
    );
}

#[test]
fn a_consumer_that_is_ended_is_told_until_an_interval_without() {
    let mut bench = Bench::new();
    let said = [0, 2, 1, 0, 0, 1].map(|ended| {
        bench.add(BusSample {
            ended,
            ..BusSample::default()
        })
    });
    assert_eq!(
        said,
        [
            "",
            "+consumer_disconnected",
            "",
            "-consumer_disconnected",
            "",
            "+consumer_disconnected"
        ]
    );
}

#[test]
fn a_consumer_lags_when_its_queue_stays_full_or_it_misses_messages() {
    let mut bench = Bench::new();
    let said = [0.9, 0.5, 0.81, 0.8, 0.81, 0.9, 0.9, 0.7, 0.61, 0.6].map(|fill| bench.queue(fill, 0));
    assert_eq!(
        said,
        ["", "", "", "", "", "+consumer_lagging", "", "", "", "-consumer_lagging"]
    );
    assert_eq!(bench.queue(0.1, 1), "+consumer_lagging");
    assert_eq!(bench.queue(0.1, 5), "");
    assert_eq!(bench.queue(f64::NAN, 0), "-consumer_lagging");
}

#[test]
fn an_instance_is_told_to_be_unavailable_and_back() {
    let mut rules = BusRules::new(BusSettings::default()).unwrap();
    assert_eq!(rules.on_available(EVENTS, true), None);
    let change = rules.on_available(EVENTS, false).unwrap();
    assert_eq!(
        (change.raised, change.key().as_str()),
        (true, "bus_instance_unavailable:events")
    );
    assert_eq!(rules.on_available(EVENTS, false), None);
    assert!(rules.on_available(Instance::Alerts, false).is_some());
    assert!(!rules.on_available(EVENTS, true).unwrap().raised);
}

#[test]
fn counters_that_go_backwards_are_a_new_start() {
    let mut bench = Bench::new();
    bench.failed(1_000);
    for _ in 0..5 {
        bench.failed(0);
    }
    bench.total = BusSample::default();
    assert_eq!(bench.failed(500), "");
    assert_eq!(bench.failed(10), "");
    assert_eq!(bench.failed(11), "+publications_failed");
}

#[test]
fn the_first_sample_is_where_counting_starts_and_one_that_is_not_later_means_nothing() {
    let mut rules = BusRules::new(BusSettings::default()).unwrap();
    let sample = |failed| BusSample {
        failed,
        ..BusSample::default()
    };
    let second = Duration::from_secs(1);
    assert_eq!(rules.on_sample(EVENTS, &sample(500), second), []);
    assert_eq!(rules.on_sample(EVENTS, &sample(900), second), []);
    assert_eq!(rules.on_sample(EVENTS, &sample(510), 2 * second), []);
    let changes = rules.on_sample(EVENTS, &sample(530), 3 * second);
    let json = serde_json::to_value(&changes).unwrap();
    let expected = serde_json::json!([{
        "rule": "publications_failed", "instance": "events", "raised": true, "value": 20.0, "limit": 10.0,
    }]);
    assert_eq!(json, expected);
}

#[test]
fn instances_do_not_mix() {
    let mut rules = BusRules::new(BusSettings::default()).unwrap();
    for instance in Instance::ALL {
        rules.on_sample(instance, &BusSample::default(), Duration::from_secs(1));
    }
    let sample = BusSample {
        ended: 1,
        ..BusSample::default()
    };
    for instance in Instance::ALL {
        let changes = rules.on_sample(instance, &sample, Duration::from_secs(2));
        assert_eq!(
            changes.iter().map(|change| change.instance).collect::<Vec<_>>(),
            [instance]
        );
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let refused = |change: fn(&mut BusSettings)| {
        let mut settings = BusSettings::default();
        change(&mut settings);
        BusRules::new(settings).unwrap_err().to_string()
    };
    assert_eq!(
        refused(|settings| settings.volume_factor = 1.0),
        "bus alert setting volume_factor is 1: it must be a number above 1"
    );
    assert!(refused(|settings| settings.volume_factor = f64::INFINITY).contains("volume_factor is inf"));
    assert!(refused(|settings| settings.volume_floor = -1.0).contains("volume_floor is -1"));
    assert!(refused(|settings| settings.queue_fill = 1.0).contains("queue_fill is 1: it must be above 0 and below 1"));
    assert!(refused(|settings| settings.queue_fill = f64::NAN).contains("queue_fill is NaN"));
}
