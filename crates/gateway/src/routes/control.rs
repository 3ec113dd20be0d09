//! Paths that tell the node itself what to do.

use super::Routes;
use super::operation::{get, post};
use super::schema::Schema;
use crate::control;
use crate::error::Reason;

pub(super) fn add(routes: Routes) -> Routes {
    let nodes = || Schema::list(Schema::text().example("b"));
    let keys = || Schema::list(Schema::text().example("access"));
    let reload = post("reload", control::reload)
        .summary("Read the configuration again, and take over what needs no restart")
        .says(
            "As SIGHUP. If anything in it is wrong, nothing changes. Two at once are carried out one after the other.",
        )
        .answers_json(
            200,
            Schema::object([
                ("changed", keys()),
                ("needs_restart", keys()),
                ("unchanged", Schema::count()),
            ]),
            "settings that hold now, those that will after a restart, and how many are as they were",
        )
        .refuses([
            Reason::BadQuery,
            Reason::BadConfiguration,
            Reason::NotControlled,
            Reason::Stopping,
        ]);
    let stop = |operation: super::operation::Operation| {
        operation
            .answers_json(
                200,
                Schema::object([("unconfirmed", nodes())]),
                "done; nodes that had not confirmed everything when the time was over",
            )
            .refuses([Reason::BadQuery, Reason::NotControlled, Reason::Stopping])
    };
    let drain = stop(post("drain", control::drain))
        .summary("Hand everything over, and end")
        .says(
            "As SIGTERM: NATS clients are told to go to other nodes, publishes are refused, peers confirm what is left \
             within the drain time, streams end, and the process exits. Answered when that is done.",
        );
    let leave = stop(post("leave", control::leave))
        .summary("Leave the mesh at once, and end")
        .says("Without waiting for clients, and no longer than a second for peers.");
    let stopping = get("stopping", control::stage)
        .summary("How far a node is that was told to stop")
        .answers_json(
            200,
            Schema::object([
                (
                    "stage",
                    Schema::one_of(["running", "telling_clients", "handing_over", "stopped"]),
                ),
                ("to?", nodes()),
                ("unconfirmed?", nodes()),
            ]),
            "and which nodes have not confirmed everything",
        )
        .refuses([Reason::BadQuery]);
    routes
        .at("/v1/reload", [reload])
        .at("/v1/drain", [drain])
        .at("/v1/leave", [leave])
        .at("/v1/stopping", [stopping])
}
