use bellwether_message::{KeyRing, Pattern};

use super::*;
use crate::limits::{LimitExceeded, Limits, LimitsOverride};
use crate::policy::Principal;
use crate::policy_watch::PolicyWatch;
use crate::rules::Grant;
use crate::token::{Claims, TokenId};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

fn keys() -> TokenKeys {
    TokenKeys::new("lab", &KeyRing::new("lab", [SECRET]).unwrap())
}

fn publishes(permission: &str) -> Grant {
    Grant {
        allow_publish: vec![permission.parse().unwrap()],
        ..Grant::default()
    }
}

fn claims(name: &str, may: Grant) -> Claims {
    Claims::new(TokenId::new([9; 8]), name, may, NOW, Duration::from_secs(60)).unwrap()
}

fn token(name: &str, may: Grant) -> String {
    keys().sign(claims(name, may)).unwrap()
}

fn who(access: &Access, credentials: Credentials<'_>) -> Result<String, AuthenticateError> {
    let caller = access.authenticate(credentials, NOW)?;
    Ok(caller.name().to_owned())
}

#[test]
fn without_a_policy_everybody_may_do_everything_and_nothing_is_looked_at() {
    let access = Access::open();
    for credentials in [
        Credentials::Anonymous,
        Credentials::Peer { uid: 1, gid: 1 },
        Credentials::Token("whatever"),
    ] {
        let caller = access.authenticate(credentials, NOW).unwrap();
        assert_eq!(caller.name(), ANONYMOUS);
        assert!(caller.may_publish(Instance::Security, "a").is_ok());
        let all = Pattern::new("*").unwrap();
        assert_eq!(caller.may_subscribe(Instance::Audit, &all), Ok(crate::Reach::All));
        assert!(caller.may_receive(Instance::Audit, "$bw:a"));
        assert!(caller.may_look().is_ok() && caller.may_administer().is_ok());
        assert!(caller.check(NOW).is_ok());
    }
}

#[test]
fn a_policy_serves_only_whom_it_knows() {
    let policy = Policy::closed()
        .with_principal(Principal::new("user", publishes("metrics:*")).with_uid(7))
        .with_principal(Principal::new("group", publishes("events:*")).with_gid(7));
    let access = Access::new(policy.clone(), Some(keys()));
    assert_eq!(who(&access, Credentials::Anonymous), Err(AuthenticateError::Missing));
    assert_eq!(who(&access, Credentials::Peer { uid: 7, gid: 7 }), Ok("user".into()));
    assert_eq!(who(&access, Credentials::Peer { uid: 8, gid: 7 }), Ok("group".into()));
    let stranger = Credentials::Peer { uid: 8, gid: 8 };
    assert_eq!(who(&access, stranger), Err(AuthenticateError::Missing));

    let welcoming = Access::new(policy.with_anonymous(publishes("health:*")), None);
    assert_eq!(who(&welcoming, stranger), Ok(ANONYMOUS.into()));
    let caller = welcoming.authenticate(Credentials::Anonymous, NOW).unwrap();
    assert!(caller.may_publish(Instance::Health, "a").is_ok());
    let denied = caller.may_publish(Instance::Metrics, "a").unwrap_err();
    assert_eq!(denied.to_string(), "`anonymous` may not publish to metrics/a");
}

#[test]
fn a_token_may_do_what_it_says_and_what_its_name_may() {
    let mut named = publishes("events:*");
    named.deny_publish = vec!["metrics:secret".parse().unwrap()];
    let access = Access::new(
        Policy::closed().with_principal(Principal::new("web", named)),
        Some(keys()),
    );
    for _ in 0..2 {
        // The second time from memory.
        let web = access
            .authenticate(Credentials::Token(&token("web", publishes("metrics:*"))), NOW)
            .unwrap();
        assert_eq!(web.name(), "web");
        assert!(web.may_publish(Instance::Metrics, "cpu").is_ok());
        assert!(web.may_publish(Instance::Events, "orders").is_ok());
        assert!(web.may_publish(Instance::Metrics, "secret").is_err());
        assert!(web.may_publish(Instance::Audit, "a").is_err());
    }
    let other = access
        .authenticate(Credentials::Token(&token("other", publishes("metrics:*"))), NOW)
        .unwrap();
    assert!(other.may_publish(Instance::Metrics, "secret").is_ok());
    assert!(other.may_publish(Instance::Events, "orders").is_err());
}

#[test]
fn tokens_need_a_secret_and_a_good_one() {
    let token = token("web", Grant::default());
    let without = Access::new(Policy::closed(), None);
    assert_eq!(
        who(&without, Credentials::Token(&token)),
        Err(AuthenticateError::NoSecret)
    );
    let elsewhere = TokenKeys::new("lab", &KeyRing::new("lab", [SECRET.to_uppercase()]).unwrap());
    let elsewhere = Access::new(Policy::closed(), Some(elsewhere));
    assert_eq!(
        who(&elsewhere, Credentials::Token(&token)),
        Err(AuthenticateError::Invalid)
    );
    let here = Access::new(Policy::closed().with_anonymous(Grant::default()), Some(keys()));
    for bad in ["", "bwt1_", &token[1..], &token[..token.len() - 1]] {
        // Not even as nobody in particular.
        assert_eq!(
            who(&here, Credentials::Token(bad)),
            Err(AuthenticateError::Invalid),
            "{bad}"
        );
    }
    assert_eq!(who(&here, Credentials::Token(&token)), Ok("web".into()));
}

#[test]
fn a_token_counts_as_long_as_its_key_is_in_the_ring() {
    let new = "fedcba9876543210fedcba9876543210";
    let ring = |secrets: &[&str]| KeyRing::new("lab", secrets).unwrap();
    let access = Access::new(Policy::closed(), Some(keys()));
    let (old, later) = (
        token("old", Grant::default()),
        keys()
            .with_ring(&ring(&[new]))
            .sign(claims("new", Grant::default()))
            .unwrap(),
    );
    let invalid = || Err(AuthenticateError::Invalid);
    assert_eq!(who(&access, Credentials::Token(&later)), invalid());
    let caller = access.authenticate(Credentials::Token(&old), NOW).unwrap();
    access.replace_ring(&ring(&[new, SECRET]));
    assert_eq!(caller.check(NOW), Ok(()));
    assert_eq!(who(&access, Credentials::Token(&old)), Ok("old".into()));
    assert_eq!(who(&access, Credentials::Token(&later)), Ok("new".into()));
    access.replace_ring(&ring(&[new]));
    assert_eq!(
        caller.check(NOW),
        Err(AuthenticateError::Invalid),
        "in a session that is open"
    );
    assert_eq!(
        who(&access, Credentials::Token(&old)),
        invalid(),
        "though it is remembered"
    );
    assert_eq!(who(&access, Credentials::Token(&later)), Ok("new".into()));
    // A node that has started without a secret makes no tokens count.
    let without = Access::new(Policy::closed(), None);
    without.replace_ring(&ring(&[new]));
    assert_eq!(
        who(&without, Credentials::Token(&later)),
        Err(AuthenticateError::NoSecret)
    );
}

#[test]
fn expiry_and_revocation_end_what_is_open() {
    let access = Access::new(Policy::closed(), Some(keys()));
    let token = token("web", Grant::default());
    let caller = access.authenticate(Credentials::Token(&token), NOW).unwrap();
    let id = caller.token_id().unwrap();
    assert_eq!(caller.check(NOW), Ok(()));

    let later = Timestamp::from_millis(NOW.as_millis() + 60_000);
    assert_eq!(caller.check(later), Err(AuthenticateError::Expired));
    let late = access.authenticate(Credentials::Token(&token), later).map(drop);
    assert_eq!(late, Err(AuthenticateError::Expired));

    access.set_revoked(Revoked::parse(&format!("{id}\n")).0);
    assert_eq!(caller.check(NOW), Err(AuthenticateError::Revoked));
    assert_eq!(
        who(&access, Credentials::Token(&token)),
        Err(AuthenticateError::Revoked)
    );

    access.set_revoked(Revoked::default());
    assert_eq!(caller.check(NOW), Ok(()));
}

#[test]
fn open_sessions_are_judged_by_the_policy_that_took_the_others_place() {
    let may = |permission: &str| {
        Policy::closed()
            .with_principal(Principal::new("user", publishes(permission)).with_uid(7))
            .with_principal(Principal::new("web", publishes(permission)))
    };
    let access = Access::new(may("metrics:*"), Some(keys()));
    let user = access.authenticate(Credentials::Peer { uid: 7, gid: 7 }, NOW).unwrap();
    let text = token("web", publishes("audit:*"));
    let web = access.authenticate(Credentials::Token(&text), NOW).unwrap();
    let publishes_to = |instance| [&user, &web].map(|caller| caller.may_publish(instance, "a").is_ok());
    assert_eq!(publishes_to(Instance::Metrics), [true, true]);
    assert_eq!(publishes_to(Instance::Audit), [false, true]);

    access.set_policy(may("events:*"));
    assert_eq!(publishes_to(Instance::Metrics), [false, false]);
    assert_eq!(publishes_to(Instance::Events), [true, true]);
    assert_eq!(publishes_to(Instance::Audit), [false, true], "the token says so itself");
    assert!(!user.may_receive(Instance::Events, "a"));
    assert_eq!([user.check(NOW), web.check(NOW)], [Ok(()), Ok(())]);
    let again = access.authenticate(Credentials::Token(&text), NOW).unwrap();
    assert!(again.may_publish(Instance::Metrics, "a").is_err());

    // Nobody is known by that user any more.
    access.set_policy(Policy::closed());
    assert_eq!(user.check(NOW), Err(AuthenticateError::Missing));
    assert!(user.may_publish(Instance::Events, "a").is_err());
    assert_eq!(
        user.open_session().map(drop),
        Err(LimitExceeded::Connections { limit: 0 })
    );
    assert_eq!(publishes_to(Instance::Audit), [false, true]);

    // And now somebody else is.
    access.set_policy(Policy::closed().with_principal(Principal::new("other", publishes("events:*")).with_uid(7)));
    assert_eq!(user.check(NOW), Err(AuthenticateError::Changed));
    assert!(user.may_publish(Instance::Events, "a").is_err());

    access.set_policy(Policy::open());
    assert_eq!([user.check(NOW), web.check(NOW)], [Ok(()), Ok(())]);
    assert_eq!(publishes_to(Instance::Security), [true, true]);
}

#[test]
fn a_subscription_ends_once_nothing_of_it_may_be_received() {
    let may = |texts: &[&str]| {
        let allow_subscribe = texts.iter().map(|text| text.parse().unwrap()).collect();
        Policy::closed().with_anonymous(Grant {
            allow_subscribe,
            ..Grant::default()
        })
    };
    let access = Access::new(may(&["events:a:*", "events:b"]), None);
    let caller = access.authenticate(Credentials::Anonymous, NOW).unwrap();
    let mut watch = PolicyWatch::default();
    assert_eq!([watch.has_changed(&caller), watch.has_changed(&caller)], [true, false]);
    let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(text).unwrap()).collect::<Vec<_>>();
    let goes_on = |texts: &[&str]| caller.may_go_on(Instance::Events, &patterns(texts)).is_ok();
    assert!(goes_on(&["a:*"]) && goes_on(&["c", "b"]) && goes_on(&["$queue:w:a:*"]));
    assert!(!goes_on(&["c", "d"]));

    access.set_policy(may(&["events:a:x"]));
    assert_eq!([watch.has_changed(&caller), watch.has_changed(&caller)], [true, false]);
    assert!(
        goes_on(&["a:*"]) && goes_on(&["$queue:w:a:*"]),
        "something of it is left"
    );
    assert!(!goes_on(&["b"]) && !goes_on(&["$queue:w:b"]));
    watch.begin_anew();
    assert!(watch.has_changed(&caller));
}

#[test]
fn who_came_while_all_was_open_must_show_who_it_is_once_it_is_not() {
    let access = Access::new(Policy::open(), Some(keys()));
    let text = token("web", publishes("metrics:*"));
    let open = |credentials| access.authenticate(credentials, NOW).unwrap();
    let nobody = open(Credentials::Anonymous);
    let peer = open(Credentials::Peer { uid: 7, gid: 7 });
    let web = open(Credentials::Token(&text));
    let session = nobody.open_session().unwrap();
    assert_eq!(session.spend(100, Duration::ZERO), Ok(()));

    let limits = Limits {
        payload_bytes: 10,
        ..Limits::default()
    };
    access.set_policy(
        Policy::closed()
            .with_anonymous(publishes("health:*"))
            .with_limits(limits),
    );
    assert_eq!(nobody.check(NOW), Ok(()));
    assert!(nobody.may_publish(Instance::Health, "a").is_ok());
    assert!(nobody.may_publish(Instance::Metrics, "a").is_err());
    let large = LimitExceeded::Payload { bytes: 100, limit: 10 };
    assert_eq!(session.spend(100, Duration::ZERO), Err(large));
    assert_eq!(peer.check(NOW), Ok(()), "nobody in particular, as before");
    assert_eq!(web.check(NOW), Err(AuthenticateError::Changed));

    access.set_policy(Policy::closed().with_principal(Principal::new("user", Grant::default()).with_uid(7)));
    assert_eq!(nobody.check(NOW), Err(AuthenticateError::Missing));
    assert_eq!(peer.check(NOW), Err(AuthenticateError::Changed));
}

#[test]
fn a_key_that_is_taken_away_takes_its_tokens_along() {
    const NEXT: &str = "fedcba9876543210fedcba9876543210";
    let ring = |secrets: &[&str]| TokenKeys::new("lab", &KeyRing::new("lab", secrets).unwrap());
    let access = Access::new(Policy::closed(), Some(keys()));
    let old = token("old", publishes("metrics:*"));
    let caller = access.authenticate(Credentials::Token(&old), NOW).unwrap();

    access.set_keys(Some(ring(&[NEXT, SECRET])));
    assert_eq!(caller.check(NOW), Ok(()));
    assert!(caller.may_publish(Instance::Metrics, "a").is_ok());
    let new = ring(&[NEXT]).sign(claims("new", Grant::default())).unwrap();
    assert_eq!(who(&access, Credentials::Token(&new)), Ok("new".into()));

    access.set_keys(Some(ring(&[NEXT])));
    assert_eq!(caller.check(NOW), Err(AuthenticateError::Invalid));
    assert!(caller.may_publish(Instance::Metrics, "a").is_err());
    assert_eq!(who(&access, Credentials::Token(&old)), Err(AuthenticateError::Invalid));

    access.set_keys(None);
    assert_eq!(caller.check(NOW), Err(AuthenticateError::NoSecret));
}

#[test]
fn the_sessions_of_a_principal_share_its_limits() {
    let limits = LimitsOverride {
        connections: Some(2),
        subscriptions: Some(1),
        messages_per_second: Some(2),
        payload_bytes: Some(10),
        ..LimitsOverride::default()
    };
    let principal = Principal::new("web", publishes("metrics:*"))
        .with_uid(1)
        .with_limits(limits);
    let access = Access::new(Policy::closed().with_principal(principal), None);
    let web = || access.authenticate(Credentials::Peer { uid: 1, gid: 0 }, NOW).unwrap();

    let first = web().open_session().unwrap();
    let second = web().open_session().unwrap();
    let third = web().open_session().map(drop);
    assert_eq!(third, Err(LimitExceeded::Connections { limit: 2 }));

    let permit = first.subscribe().unwrap();
    assert_eq!(
        second.subscribe().map(drop),
        Err(LimitExceeded::Subscriptions { limit: 1 })
    );
    drop(permit);
    let _permit = second.subscribe().unwrap();

    let large = Err(LimitExceeded::Payload { bytes: 11, limit: 10 });
    assert_eq!(first.spend(11, Duration::ZERO), large);
    assert_eq!(first.spend(10, Duration::ZERO), Ok(()));
    assert_eq!(second.spend(10, Duration::ZERO), Ok(()));
    let fast = Err(LimitExceeded::Rate { limit: 2 });
    assert_eq!(first.spend(10, Duration::ZERO), fast);
    drop((first, second));
    // A new connection is no way around.
    let next = web().open_session().unwrap();
    assert_eq!(next.spend(10, Duration::from_millis(499)), fast);
    assert_eq!(next.spend(10, Duration::from_millis(500)), Ok(()));
}

#[test]
fn each_refusal_is_counted_under_its_own_reason() {
    let policy = Policy::closed().with_principal(Principal::new("web", Grant::default()).with_uid(1).with_limits(
        LimitsOverride {
            connections: Some(1),
            subscriptions: Some(0),
            messages_per_second: Some(1),
            payload_bytes: Some(0),
            ..LimitsOverride::default()
        },
    ));
    let access = Access::new(policy, Some(keys()));
    let told = |access: &Access, s: u64| -> Vec<&'static str> {
        let reports = access.take_refusals(Duration::from_secs(s));
        reports.iter().map(|report| report.refusal.name()).collect()
    };
    let web = access.authenticate(Credentials::Peer { uid: 1, gid: 1 }, NOW).unwrap();
    let all = Pattern::new("*").unwrap();
    assert_eq!(told(&access, 0), Vec::<&str>::new());

    let _ = access.authenticate(Credentials::Anonymous, NOW);
    let _ = access.authenticate(Credentials::Token("x"), NOW);
    let _ = web.may_publish(Instance::Events, "a");
    let _ = web.may_subscribe(Instance::Events, &all);
    let _ = web.may_receive(Instance::Events, "a");
    let _ = web.may_look();
    let _ = web.may_administer();
    let session = web.open_session().unwrap();
    let _ = web.open_session();
    let _ = session.subscribe();
    let _ = session.spend(1, Duration::ZERO);
    let _ = session.spend(0, Duration::ZERO);
    let _ = session.spend(0, Duration::ZERO);
    assert_eq!(
        told(&access, 100),
        [
            "unauthenticated",
            "invalid_token",
            "publish_denied",
            "subscribe_denied",
            "look_denied",
            "administer_denied",
            "too_many_connections",
            "too_many_subscriptions",
            "too_fast",
            "too_large"
        ],
        "a delivery that is withheld is no attempt"
    );
}

#[test]
fn nothing_that_is_shown_of_it_holds_a_secret() {
    let access = Access::new(Policy::closed(), Some(keys()));
    let token = token("web", Grant::default());
    let caller = access.authenticate(Credentials::Token(&token), NOW).unwrap();
    let shown = format!("{access:?} {caller:?}");
    let tag = token.rsplit('.').next().unwrap();
    assert!(!shown.contains(SECRET) && !shown.contains(tag));
}
