//! What emitters say when they have subscribed.

use bellwether_message::{Instance, Pattern};

use super::class::Class;
use super::component::Component;
use super::line::Line;
use super::message::{says, speaker};

/// One line per store and kind of topic, in the order of the patterns. The process that has subscribed is this one.
pub(super) fn lines(wanted: &[(Instance, Pattern)]) -> Vec<Line> {
    lines_of(wanted, &std::process::id().to_string())
}

fn lines_of(wanted: &[(Instance, Pattern)], pid: &str) -> Vec<Line> {
    let emitter = Some(Component::EmitterWorker);
    let mut said: Vec<(Class, String)> = Vec::new();
    for text in wanted.iter().filter_map(|(instance, pattern)| text(*instance, pattern)) {
        if !said.contains(&text) {
            said.push(text);
        }
    }
    let line = |(class, text): (Class, String)| says(speaker(pid, emitter, class), emitter, &text);
    said.into_iter().map(line).collect()
}

fn text(instance: Instance, pattern: &Pattern) -> Option<(Class, String)> {
    let (topic, store) = pattern.as_str().split_once(':')?;
    match (instance, topic) {
        (Instance::Health, "store_health" | "health_summary") => {
            let text = format!("🩺 SUBSCRIBED to health events for store: {store}");
            Some((Class::Success, text))
        }
        (Instance::System | Instance::Metrics, "store_metrics" | "metrics_summary") => {
            let text = format!("📈 SUBSCRIBED to metrics events for store: {store}");
            Some((Class::Action, text))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::screen::Screen;
    use super::*;

    fn rendered(wanted: &[(Instance, &str)], screen: Screen) -> Vec<String> {
        let pattern = |(instance, pattern): &(Instance, &str)| (*instance, Pattern::new(pattern).unwrap());
        let wanted: Vec<_> = wanted.iter().map(pattern).collect();
        let lines = lines_of(&wanted, "4711").into_iter();
        lines.map(|line| line.render(screen)).collect()
    }

    #[test]
    fn each_store_is_named_once_for_health_and_for_metrics() {
        let wanted = [
            (Instance::Health, "store_health:main"),
            (Instance::Health, "health_summary:main"),
            (Instance::System, "store_metrics:main"),
            (Instance::System, "metrics_summary:main"),
            (Instance::Health, "health_summary:*"),
            (Instance::Health, "subscription_health:main:*"),
            (Instance::Alerts, "store_health:main"),
            (Instance::Health, "*"),
        ];
        assert_eq!(
            rendered(&wanted, Screen::PIPE),
            [
                "[4711] [EMITTER] 🩺 SUBSCRIBED to health events for store: main",
                "[4711] [EMITTER] 📈 SUBSCRIBED to metrics events for store: main",
                "[4711] [EMITTER] 🩺 SUBSCRIBED to health events for store: *",
            ]
        );
    }

    #[test]
    fn a_subscription_is_a_success_of_a_worker_and_for_metrics_an_action() {
        let wanted = [
            (Instance::Health, "store_health:main"),
            (Instance::System, "store_metrics:main"),
        ];
        let lines = rendered(&wanted, Screen::COLOURED);
        assert!(lines[0].starts_with("[\x1b[38;5;7;48;5;4m4711\x1b[0m]"), "{lines:?}");
        assert!(lines[1].starts_with("[\x1b[38;5;7;48;5;214m4711\x1b[0m]"), "{lines:?}");
    }
}
