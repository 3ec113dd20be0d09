use bellwether_message::{Instance, Pattern};
use proptest::prelude::*;

use super::*;

fn permissions(texts: &[&str]) -> Vec<Permission> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

fn publisher(allow: &[&str], deny: &[&str]) -> Rules {
    Rules::new(&Grant {
        allow_publish: permissions(allow),
        deny_publish: permissions(deny),
        ..Grant::default()
    })
}

fn subscriber(allow: &[&str], deny: &[&str]) -> Rules {
    Rules::new(&Grant {
        allow_subscribe: permissions(allow),
        deny_subscribe: permissions(deny),
        ..Grant::default()
    })
}

/// A way to publish or to receive on `orders:new` of an instance, or on more.
type Way = (&'static str, fn(&Rules, Instance) -> Option<Reach>);

const PUBLISHING: [Way; 1] = [("publish", |rules, instance| {
    rules.judge(Question::Publish(instance, "orders:new"))
})];

/// Resume and replay ask as a live subscription does: by its patterns.
const RECEIVING: [Way; 6] = [
    ("exact", |rules, instance| {
        rules.judge(Question::Subscribe(instance, &pattern("orders:new")))
    }),
    ("one level", |rules, instance| {
        rules.judge(Question::Subscribe(instance, &pattern("orders:+")))
    }),
    ("prefix", |rules, instance| {
        rules.judge(Question::Subscribe(instance, &pattern("orders:*")))
    }),
    ("everything", |rules, instance| {
        rules.judge(Question::Subscribe(instance, &pattern("*")))
    }),
    ("group", |rules, instance| {
        rules.judge(Question::Subscribe(instance, &pattern("$queue:workers:orders:new")))
    }),
    ("delivery", |rules, instance| {
        rules.judge(Question::Receive(instance, "orders:new"))
    }),
];

/// Permissions, what they deny, and whether they are enough for `orders:new` in an ordinary and in a private instance.
const OUTCOMES: [(&[&str], &[&str], bool, bool); 12] = [
    (&[], &[], false, false),
    (&["{}:orders:new"], &[], true, true),
    (&["{}:orders:*"], &[], true, true),
    (&["{}:*"], &[], true, true),
    (&["*"], &[], true, false),
    (&["*/orders:*"], &[], true, false),
    (&["{}:bills:*"], &[], false, false),
    (&["health:*"], &[], false, false), // another instance
    (&["{}:*"], &["{}:*"], false, false),
    (&["{}:orders:new"], &["{}:orders:*"], false, false),
    (&["{}:*", "*"], &["{}:*"], false, false),
    (&["{}:*"], &["{}:bills:*", "health:*"], true, true),
];

#[test]
fn every_way_is_judged_alike_for_every_outcome() {
    for (instance, is_private) in [
        (Instance::Events, false),
        (Instance::Metrics, false),
        (Instance::Security, true),
        (Instance::Audit, true),
    ] {
        for (allow, deny, usually, in_private) in OUTCOMES {
            let fill = |texts: &[&str]| -> Vec<String> {
                texts.iter().map(|text| text.replace("{}", instance.name())).collect()
            };
            let (allow, deny) = (fill(allow), fill(deny));
            let (allow, deny): (Vec<&str>, Vec<&str>) = (
                allow.iter().map(String::as_str).collect(),
                deny.iter().map(String::as_str).collect(),
            );
            let expected = if is_private { in_private } else { usually };
            let publisher = publisher(&allow, &deny);
            let subscriber = subscriber(&allow, &deny);
            for (way, ask) in PUBLISHING {
                let what = format!("{way} on {instance} with {allow:?} without {deny:?}");
                assert_eq!(ask(&publisher, instance).is_some(), expected, "{what}");
                assert_eq!(ask(&subscriber, instance), None, "to receive is not to {what}");
            }
            for (way, ask) in RECEIVING {
                let what = format!("{way} on {instance} with {allow:?} without {deny:?}");
                let is_wide = matches!(way, "one level" | "prefix" | "everything");
                // A wide pattern reaches what is allowed elsewhere, too; a delivery of ours is judged by itself.
                let elsewhere = is_wide && way == "everything" && allow.iter().any(|text| text.contains(":bills"));
                assert_eq!(ask(&subscriber, instance).is_some(), expected || elsewhere, "{what}");
                assert_eq!(ask(&publisher, instance), None, "to publish is not to receive: {what}");
            }
            for rules in [&publisher, &subscriber] {
                assert_eq!(rules.judge(Question::Look), None);
                assert_eq!(rules.judge(Question::Administer), None);
            }
        }
    }
}

#[test]
fn to_look_and_to_administer_are_permissions_of_their_own() {
    for (look, administer) in [(false, false), (true, false), (false, true), (true, true)] {
        let rules = Rules::new(&Grant {
            look,
            administer,
            ..Grant::default()
        });
        assert_eq!(rules.judge(Question::Look).is_some(), look);
        assert_eq!(rules.judge(Question::Administer).is_some(), administer);
        assert_eq!(rules.judge(Question::Publish(Instance::Events, "a")), None);
        assert_eq!(rules.judge(Question::Subscribe(Instance::Events, &pattern("*"))), None);
    }
}

#[test]
fn a_wildcard_does_not_reach_what_belongs_to_the_mesh_unless_it_denies() {
    let rules = subscriber(&["diagnostics:*", "events:*"], &[]);
    let snapshot = pattern("$bw:snapshot:*");
    assert_eq!(rules.judge(Question::Subscribe(Instance::Diagnostics, &snapshot)), None);
    assert_eq!(
        rules.judge(Question::Receive(Instance::Diagnostics, "$bw:snapshot:a")),
        None
    );
    let foreign = pattern("$nats:_INBOX:*");
    assert_eq!(
        rules.judge(Question::Subscribe(Instance::Events, &foreign)),
        Some(Reach::All)
    );
    assert_eq!(rules.judge(Question::Receive(Instance::Diagnostics, "$nats:a")), None);

    let named = subscriber(&["diagnostics:$bw:*"], &[]);
    assert_eq!(
        named.judge(Question::Subscribe(Instance::Diagnostics, &snapshot)),
        Some(Reach::All)
    );
    let denied = subscriber(&["diagnostics:$bw:*"], &["diagnostics:*"]);
    assert_eq!(
        denied.judge(Question::Subscribe(Instance::Diagnostics, &snapshot)),
        None
    );
}

#[test]
fn another_name_of_a_topic_is_no_way_around() {
    // `warnings` is another name of `system_alerts:warning`.
    let denied = publisher(&["alerts:*"], &["alerts:system_alerts:warning"]);
    assert_eq!(denied.judge(Question::Publish(Instance::Alerts, "warnings")), None);
    let denied = publisher(&["alerts:*"], &["alerts:warnings"]);
    assert_eq!(
        denied.judge(Question::Publish(Instance::Alerts, "system_alerts:warning")),
        None
    );
    let allowed = publisher(&["alerts:warnings"], &[]);
    assert!(allowed.judge(Question::Publish(Instance::Alerts, "warnings")).is_some());
    assert!(
        allowed
            .judge(Question::Publish(Instance::Alerts, "system_alerts:warning"))
            .is_some()
    );
    assert_eq!(allowed.judge(Question::Publish(Instance::Alerts, "node_failure")), None);

    let allowed = subscriber(&["alerts:system_alerts:warning"], &[]);
    assert!(
        allowed
            .judge(Question::Subscribe(Instance::Alerts, &pattern("warnings")))
            .is_some()
    );
    let denied = subscriber(&["alerts:*"], &["alerts:warnings"]);
    assert_eq!(
        denied.judge(Question::Receive(Instance::Alerts, "system_alerts:warning")),
        None
    );
}

#[test]
fn a_group_is_judged_by_its_own_pattern() {
    let rules = subscriber(&["events:orders:*"], &["events:orders:secret"]);
    for (group, expected) in [
        ("$queue:workers:orders:new", Some(Reach::All)),
        ("$queue:workers:orders:*", Some(Reach::Some)),
        ("$queue:workers:orders:secret", None),
        ("$queue:workers:bills:*", None),
        ("$queue:orders:new", None),
    ] {
        let found = rules.judge(Question::Subscribe(Instance::Events, &pattern(group)));
        assert_eq!(found, expected, "{group}");
    }
    for none in ["$queue:workers", "$queue:workers:$queue:workers:orders:new"] {
        // What is no pattern is asked by nobody.
        let asked = Pattern::new(none).ok();
        let found = asked.and_then(|asked| rules.judge(Question::Subscribe(Instance::Events, &asked)));
        assert_eq!(found, None, "{none}");
    }
}

#[test]
fn what_is_no_topic_is_allowed_to_nobody_in_particular() {
    let rules = publisher(&["events:orders:*"], &[]);
    for text in ["", ":", "a::b", "orders", "bills:\n"] {
        assert_eq!(rules.judge(Question::Publish(Instance::Events, text)), None, "{text:?}");
    }
}

fn any_permission() -> impl Strategy<Value = Permission> {
    let scope = prop::sample::select(&["events", "security", "*"][..]);
    let levels = prop::collection::vec(prop::sample::select(&["a", "b", "*", "+", "$bw"][..]), 1..=2);
    (scope, levels).prop_map(|(scope, levels)| format!("{scope}:{}", levels.join(":")).parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the rules: who is refused a pattern gets nothing of it, and who gets all of it is refused nothing.
    #[test]
    fn a_subscription_agrees_with_its_deliveries(
        allow in prop::collection::vec(any_permission(), 0..4),
        deny in prop::collection::vec(any_permission(), 0..3),
        wanted in prop::collection::vec(prop::sample::select(&["a", "b", "*", "+", "$bw"][..]), 1..=3),
        topic in prop::collection::vec(prop::sample::select(&["a", "b", "c", "$bw"][..]), 1..=3),
        is_private in any::<bool>(),
    ) {
        let instance = if is_private { Instance::Security } else { Instance::Events };
        let rules = Rules::new(&Grant { allow_subscribe: allow, deny_subscribe: deny, ..Grant::default() });
        let (wanted, topic) = (pattern(&wanted.join(":")), topic.join(":"));
        let may_receive = rules.judge(Question::Receive(instance, &topic)).is_some();
        if wanted.matches(&topic) {
            match rules.judge(Question::Subscribe(instance, &wanted)) {
                None => prop_assert!(!may_receive),
                Some(Reach::All) => prop_assert!(may_receive),
                Some(Reach::Some) => {}
            }
        }
    }
}

#[test]
fn a_denial_of_everything_reaches_what_a_permission_of_everything_does_not() {
    let allowed = ["*", "security:*", "audit:*"];
    for denied in ["*", "*/orders:*"] {
        let rules = publisher(&allowed, &[denied]);
        for instance in Instance::ALL {
            assert_eq!(
                rules.judge(Question::Publish(instance, "orders:new")),
                None,
                "{instance}"
            );
        }
    }
}
