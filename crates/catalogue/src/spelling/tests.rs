use super::*;

fn topic(instance: Instance, text: &str) -> String {
    canonical_topic(instance, &Topic::new(text).unwrap())
        .as_str()
        .to_owned()
}

fn patterns(instance: Instance, text: &str) -> Vec<String> {
    let pattern = Pattern::new(text).unwrap();
    let patterns = canonical_patterns(instance, &pattern);
    patterns.iter().map(Pattern::to_string).collect()
}

/// A topic or pattern for a template.
fn with_levels(template: &str) -> String {
    template.replace('{', "x_").replace('}', "")
}

#[test]
fn what_is_published_under_a_spelling_reaches_whoever_subscribes_to_it() {
    for spelling in SPELLINGS {
        let text = with_levels(spelling.spelling);
        let wanted = patterns(spelling.instance, &text);
        let published = topic(spelling.instance, &text.replace(":*", ":one"));
        let reaches = wanted
            .iter()
            .any(|pattern| Pattern::new(pattern).unwrap().matches(&published));
        assert!(
            reaches,
            "{}/{text} goes to {published}, but is sought at {wanted:?}",
            spelling.instance
        );
    }
}

#[test]
fn every_spelling_of_one_topic_delivers_under_its_one_name() {
    for (instance, spelled, name) in [
        (Instance::Health, "cluster_health", "cluster:health"),
        (Instance::Health, "cluster:health", "cluster:health"),
        (Instance::Health, "node_health", "cluster:health"),
        (Instance::Health, "store_health:main", "main:health"),
        (Instance::Health, "health_summary:main", "health_summary:main"),
        (Instance::Audit, "data_change", "data_changes"),
        (Instance::Security, "auth_event", "auth_events"),
        (Instance::Alerts, "critical", "system_alerts:critical"),
        (Instance::Diagnostics, "debug_trace", "debug_traces"),
        (Instance::Logging, "log_entry", "application_logs"),
    ] {
        assert_eq!(topic(instance, spelled), name);
        assert!(patterns(instance, spelled).contains(&name.to_owned()), "{spelled}");
    }
}

#[test]
fn a_spelling_means_something_in_its_own_instance_only() {
    assert_eq!(topic(Instance::Metrics, "cluster_health"), "cluster_health");
    assert_eq!(patterns(Instance::Metrics, "cluster_health"), ["cluster_health"]);
    assert_eq!(topic(Instance::Events, "store_health:main"), "store_health:main");
}

#[test]
fn longer_and_shorter_topics_are_no_spellings() {
    for text in [
        "store_health:$bw",
        "store_health:cluster",
        "store_health",
        "store_health:a:b",
        "cluster_health:a",
        "cluster_healthy",
        "xcluster_health",
    ] {
        assert_eq!(topic(Instance::Health, text), text);
        assert_eq!(patterns(Instance::Health, text), [text]);
    }
}

#[test]
fn patterns_with_a_literal_first_level_are_resolved() {
    assert_eq!(
        patterns(Instance::Health, "store_health:*"),
        ["store_health:*", "+:health", "subscription_health:+:+"]
    );
    assert_eq!(
        patterns(Instance::Health, "subscription_health:*"),
        ["subscription_health:*"]
    );
    assert_eq!(
        patterns(Instance::Metrics, "performance"),
        ["performance", "+", "performance_metrics:+"]
    );
    assert_eq!(
        patterns(Instance::Metrics, "performance_metrics:api"),
        ["performance_metrics:api", "api"]
    );
    assert_eq!(
        patterns(Instance::Lifecycle, "process_lifecycle:*"),
        ["process_lifecycle:*", "process_lifecycle"]
    );
    assert!(patterns(Instance::Alerts, "system_alerts:*").contains(&"node_failure".to_owned()));
    assert!(patterns(Instance::Security, "security_events:*").contains(&"auth_events".to_owned()));
    assert!(patterns(Instance::Audit, "audit_trail:*").contains(&"admin_actions".to_owned()));
}

#[test]
fn patterns_that_begin_with_a_wildcard_are_left_alone() {
    for text in ["*", "+", "+:health", "*:health:*"] {
        for instance in Instance::ALL {
            assert_eq!(patterns(instance, text), [text]);
        }
    }
}

#[test]
fn a_critical_alert_of_the_original_is_no_warning() {
    let critical = patterns(Instance::Alerts, "system_alerts:critical");
    let warning = patterns(Instance::Alerts, "system_alerts:warning");
    assert!(critical.contains(&"node_failure".to_owned()) && !warning.contains(&"node_failure".to_owned()));
    assert!(warning.contains(&"resource_warning".to_owned()) && !critical.contains(&"resource_warning".to_owned()));
}

#[test]
fn the_table_is_in_order() {
    for spelling in SPELLINGS {
        let mut first = spelling.receives.iter();
        assert!(
            first
                .next()
                .is_none_or(|first| *first == spelling.topic || spelling.spelling == "performance")
        );
        assert!(Pattern::new(&with_levels(spelling.spelling)).is_ok());
        if spelling.is_alias() {
            assert!(Topic::new(&with_levels(spelling.topic)).is_ok());
            assert!(!spelling.receives.is_empty(), "{}", spelling.spelling);
            let places = spelling.spelling.matches('{').count();
            assert!(places == 0 || (places == 1 && spelling.spelling.ends_with('}')));
        }
    }
}
