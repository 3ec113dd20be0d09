//! Schemathesis makes requests of what `/openapi.json` says, good and bad ones, and judges each answer by it.

use bellwether_tests::Lab;
use tokio::process::Command;

use crate::program::installed;

/// Requests of each operation in the phase that makes them up.
const MAX_EXAMPLES: &str = "25";

/// Not asked, since their answers have no end: `/v1/subscribe` and `/v1/mesh` stream, `/v1/socket` becomes a
/// WebSocket. Nor those that end the node: `/v1/drain` and `/v1/leave`.
const LEFT_OUT: [&str; 5] = ["/v1/subscribe", "/v1/socket", "/v1/mesh", "/v1/drain", "/v1/leave"];

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let lab = Lab::default();
    let node = lab.node("a").start().await;
    let mut command = Command::new(installed().join("python/bin/schemathesis"));
    command.args(["run", &format!("{}/openapi.json", node.url())]);
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
    command.args([
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
         response_schema_conformance,unsupported_method,allow_header_conformance",
    ]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", MAX_EXAMPLES]);
    command.args([
        "--seed",
        "1",
        "--request-timeout",
        "10",
        "--continue-on-failure",
        "--no-color",
    ]);
    command.current_dir(lab.folder()).kill_on_drop(true);
    let output = command
        .output()
        .await
        .unwrap_or_else(|err| panic!("schemathesis cannot be started ({err}): run scripts/install-clients"));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n--- stderr\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("cases:") || said.contains("passed"), "{said}");
    assert!(!said.contains("Tested: 0"), "{said}");
    assert_eq!(node.client().await.get("/healthz").await.status, 200);
}
