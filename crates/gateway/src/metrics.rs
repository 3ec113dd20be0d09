//! `GET /metrics`: totals in Prometheus' text format.
//!
//! Every label value is one of a closed list of ours, so none needs escaping, but for those of [`figures`].

mod alerts;
mod figures;

use std::fmt::{self, Write};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bellwether::{Counters, DropReason, InstanceInfo, MemberState, Node};

use crate::api::Api;
use crate::client::Client;
use crate::error::ApiError;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) async fn metrics(State(api): State<Api>, client: Client) -> Result<Response, ApiError> {
    client.may_look()?;
    let mut text = String::new();
    write_metrics(&api.node, &mut text).expect("writing to a string cannot fail");
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

fn write_metrics(node: &Node, out: &mut String) -> fmt::Result {
    let instances = node.instances();
    write_totals(node, &instances, out)?;
    write_dropped(node, &instances, out)?;
    write_sizes(&instances, out)?;
    write_members(node, out)?;
    let strangers = [
        (
            "bellwether_strangers_total",
            "Connection attempts refused because they lacked the cluster's secret.",
            node.strangers(),
        ),
        (
            "bellwether_foreign_datagrams_total",
            "Datagrams at the mesh's port that were not QUIC.",
            node.foreign_datagrams(),
        ),
    ];
    for (name, help, value) in strangers {
        write_family(out, name, "counter", help)?;
        writeln!(out, "{name} {value}")?;
    }
    write_integration(node, out)?;
    alerts::write_alerts(&node.alerts().all(), out)?;
    figures::write_figures(node, out)
}

fn write_integration(node: &Node, out: &mut String) -> fmt::Result {
    let status = node.integration().status();
    for (name, kind, help, value) in [
        (
            "bellwether_broadcasts_published_total",
            "counter",
            "Broadcasts of helpers and reporters that were published.",
            status.published,
        ),
        (
            "bellwether_broadcasts_failed_total",
            "counter",
            "Broadcasts that were refused.",
            status.failed,
        ),
        (
            "bellwether_integration_enabled",
            "gauge",
            "Whether helpers and reporters publish.",
            u64::from(status.enabled),
        ),
    ] {
        write_family(out, name, kind, help)?;
        writeln!(out, "{name} {value}")?;
    }
    Ok(())
}

/// Name, meaning, and where the number is.
type Total = (&'static str, &'static str, fn(&Counters) -> u64);
type Size = (&'static str, &'static str, fn(&InstanceInfo) -> usize);

fn write_totals(node: &Node, instances: &[InstanceInfo], out: &mut String) -> fmt::Result {
    let totals: [Total; 5] = [
        (
            "bellwether_messages_published_total",
            "Messages accepted from local publishers.",
            |counters| counters.published.value(),
        ),
        (
            "bellwether_messages_delivered_total",
            "Messages handed to local subscriptions, counted once per subscription.",
            |counters| counters.delivered.value(),
        ),
        (
            "bellwether_messages_forwarded_total",
            "Messages sent to peers, counted once per peer.",
            |counters| counters.forwarded.value(),
        ),
        (
            "bellwether_messages_received_total",
            "Messages accepted from peers.",
            |counters| counters.received.value(),
        ),
        (
            "bellwether_subscriptions_disconnected_total",
            "Local subscriptions that were ended since they read too slowly.",
            |counters| counters.disconnected.value(),
        ),
    ];
    for (name, help, value) in totals {
        write_family(out, name, "counter", help)?;
        for info in instances {
            let total = value(node.counters(info.instance));
            writeln!(out, "{name}{{instance=\"{}\"}} {total}", info.instance)?;
        }
    }
    Ok(())
}

fn write_dropped(node: &Node, instances: &[InstanceInfo], out: &mut String) -> fmt::Result {
    let name = "bellwether_messages_dropped_total";
    write_family(
        out,
        name,
        "counter",
        "Messages that did not reach a subscription that wanted them, or were refused.",
    )?;
    for info in instances {
        for reason in DropReason::ALL {
            let total = node.counters(info.instance).dropped(reason).value();
            writeln!(
                out,
                "{name}{{instance=\"{}\",reason=\"{}\"}} {total}",
                info.instance,
                reason.name()
            )?;
        }
    }
    Ok(())
}

fn write_sizes(instances: &[InstanceInfo], out: &mut String) -> fmt::Result {
    let sizes: [Size; 5] = [
        ("bellwether_backlog_messages", "Messages kept for peers.", |info| {
            info.backlog_messages
        }),
        (
            "bellwether_backlog_bytes",
            "Bytes of messages kept for peers.",
            |info| info.backlog_bytes,
        ),
        ("bellwether_subscriptions", "Local subscriptions.", |info| {
            info.subscriptions
        }),
        (
            "bellwether_queue_messages",
            "Messages that wait in the queues of local subscriptions.",
            |info| info.queue_messages,
        ),
        (
            "bellwether_deepest_queue_messages",
            "Messages that wait in the longest of these queues.",
            |info| info.deepest_queue_messages,
        ),
    ];
    for (name, help, value) in sizes {
        write_family(out, name, "gauge", help)?;
        for info in instances {
            writeln!(out, "{name}{{instance=\"{}\"}} {}", info.instance, value(info))?;
        }
    }
    Ok(())
}

fn write_members(node: &Node, out: &mut String) -> fmt::Result {
    let members = node.members();
    write_family(
        out,
        "bellwether_members",
        "gauge",
        "Members by state; `self` is this node.",
    )?;
    for (state, label) in [
        (MemberState::Own, "self"),
        (MemberState::Alive, "alive"),
        (MemberState::Suspect, "suspect"),
        (MemberState::Down, "down"),
    ] {
        let count = members.iter().filter(|member| member.state == state).count();
        writeln!(out, "bellwether_members{{state=\"{label}\"}} {count}")?;
    }
    Ok(())
}

fn write_family(out: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}
