use bellwether::Instance;
use serde_json::json;

use crate::served::Served;

#[tokio::test]
async fn the_catalogue_tells_instances_types_and_spellings() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let whole = client.get("/v1/catalogue").await.json();
    let instances = whole["instances"].as_array().unwrap();
    let names: Vec<_> = instances.iter().map(|one| one["instance"].as_str().unwrap()).collect();
    assert_eq!(names, Instance::ALL.map(Instance::name));
    let health = client.get("/v1/catalogue/ex_esdb_health").await.json();
    assert_eq!(health, instances[Instance::Health.index()]);
    assert_eq!(
        (&health["family"], health["types"].as_array().unwrap().len()),
        (&json!("HealthMessages"), 4)
    );
    assert!(
        health["raw_types"]
            .as_array()
            .unwrap()
            .iter()
            .any(|raw| raw["tag"] == "subscription_health")
    );
    let spelling = health["spellings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["spelling"] == "cluster_health");
    assert_eq!(
        spelling.unwrap(),
        &json!({"instance": "health", "spelling": "cluster_health", "topic": "cluster:health",
            "receives": ["cluster:health"], "written_by": "quick reference"})
    );
    let by_tag = client.get("/v1/catalogue/health/node_health_updated").await.json();
    assert_eq!(by_tag, health["types"][0]);
    assert_eq!(by_tag, client.get("/v1/catalogue/health/NodeHealth").await.json());
    assert_eq!(
        by_tag["fields"][1],
        json!({"name": "status", "kind": "one of healthy, degraded, unhealthy, unknown", "presence": "required",
            "words": ["healthy", "degraded", "unhealthy", "unknown"], "aliases": [], "doc": "Its health."})
    );
}

#[tokio::test]
async fn schemas_and_examples_are_given_and_an_example_can_be_published() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let schema = client
        .get("/v1/catalogue/health/NodeHealth?form=json-schema")
        .await
        .json();
    assert_eq!(
        (&schema["title"], &schema["required"]),
        (&json!("NodeHealth"), &json!(["node", "status"]))
    );
    let schemas = client.get("/v1/catalogue/health?form=json-schema").await.json();
    assert_eq!(schemas[0], schema);
    let all = client.get("/v1/catalogue?form=example").await.json();
    assert_eq!(
        all.as_array().unwrap().len(),
        bellwether::catalogue::all_types().count()
    );
    for message in bellwether::catalogue::all_types() {
        let path = format!("{}/{}", message.instance, message.tag);
        let example = client.get(&format!("/v1/catalogue/{path}?form=example")).await;
        assert_eq!(example.status, 200, "{path}");
        let published = client.post(&format!("/v1/messages/{path}"), "", example.body).await;
        assert_eq!(published.status, 200, "{path}: {published:?}");
    }
}

#[tokio::test]
async fn what_the_catalogue_does_not_have_is_told() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (path, status, reason, words) in [
        ("helth", 400, "bad_instance", "did you mean `health`"),
        ("health/nothing", 404, "unknown_type", "it has node_health_updated"),
        ("events/events", 404, "unknown_type", "no typed messages"),
        ("health?form=xml", 400, "bad_query", "form"),
        ("health?from=example", 400, "bad_query", "unknown field `from`"),
    ] {
        let answer = client.get(&format!("/v1/catalogue/{path}")).await;
        answer.expect_error(status, reason, words);
    }
}
