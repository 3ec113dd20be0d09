use bellwether::Secrets;
use bellwether_access::{Access, Policy};
use serde_json::json;

use crate::served::Served;

const SECRETS: [&str; 2] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];

#[tokio::test]
async fn the_keys_of_a_node_are_shown_by_their_ids_as_they_are_now() {
    let secrets = |texts: &[&str]| Secrets::new(texts.iter().copied()).unwrap();
    let served = Served::start_with(|config| config.secrets = secrets(&SECRETS), |gateway| gateway).await;
    let mut client = served.client().await;
    let answer = client.get("/v1/keys").await;
    assert!(SECRETS.iter().all(|secret| !answer.body.contains(secret)));
    let before = answer.json();
    let id = |place: usize| before["keys"][place]["id"].as_str().unwrap();
    assert!(
        id(0) != id(1) && [id(0), id(1)].iter().all(|id| id.len() == 16),
        "{before}"
    );
    let shown = |ids: [&str; 2]| json!({"keys": [{"id": ids[0], "signs": true}, {"id": ids[1], "signs": false}], "members": []});
    assert_eq!(before, shown([id(0), id(1)]));
    served
        .node
        .replace_secrets(&secrets(&[SECRETS[1], SECRETS[0]]))
        .unwrap();
    assert_eq!(client.get("/v1/keys").await.json(), shown([id(1), id(0)]));
    served.node.shutdown().await;
}

#[tokio::test]
async fn without_a_secret_there_are_none() {
    let served = Served::start().await;
    let answer = served.client().await.get("/v1/keys").await;
    assert_eq!(answer.json(), json!({"keys": [], "members": []}));
}

#[tokio::test]
async fn only_who_may_look_sees_them() {
    let access = Access::new(
        Policy::closed().with_anonymous(bellwether_access::Grant::default()),
        None,
    );
    let served = Served::start_as(access, |_| {}, |gateway| gateway).await;
    let answer = served.client().await.get("/v1/keys").await;
    answer.expect_error(403, "denied", "may not");
}
