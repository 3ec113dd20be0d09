//! The integration helper: switched off it must cost next to nothing.

use std::hint::black_box;

use bellwether::{Node, NodeId};
use bellwether_meter::Meter;
use serde_json::json;
use tokio::runtime::Runtime;

const ROUND: usize = 1_000;

pub(crate) fn measure(meter: &mut Meter) {
    for (case, is_on) in [("switched off", false), ("switched on", true)] {
        meter.step("broadcast", case, || {
            let (runtime, node) = node();
            let integration = node.integration();
            match is_on {
                true => integration.enable(),
                false => integration.disable(),
            }
            move |watch| {
                let _runtime = &runtime;
                watch.time(|| {
                    for n in 0..ROUND {
                        let details = || json!({"store_id": "main", "n": n});
                        let sent = integration.broadcast_health_update("store_worker", "healthy", details);
                        black_box(sent.is_ok());
                    }
                    ROUND
                });
            }
        });
    }
}

/// A node of its own, which nobody hears.
fn node() -> (Runtime, Node) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap_or_else(|err| panic!("no runtime: {err}"));
    let name = NodeId::new("bench").unwrap_or_else(|err| panic!("{err}"));
    let data = std::env::temp_dir().join(format!("bellwether-bench-{}", std::process::id()));
    let node = runtime
        .block_on(Node::builder(name).data_dir(data).start())
        .unwrap_or_else(|err| panic!("no node: {err}"));
    (runtime, node)
}
