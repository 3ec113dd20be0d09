//! `GET /metrics`: totals for collectors, as Prometheus and OpenMetrics have them.
//!
//! Every label value is one of a closed list of ours or the name of a node, so none needs escaping, but for those of
//! [`figures`]. No label is a topic, so the number of samples is bounded; `/v1/topics` has the busiest of those.

mod alerts;
mod exposition;
mod figures;
mod instances;
mod links;
mod members;
mod process;

use std::fmt;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bellwether::Node;

use self::exposition::{Exposition, Form};
use crate::api::Api;
use crate::client::Client;
use crate::error::{ApiError, Reason};

pub(crate) async fn metrics(State(api): State<Api>, client: Client, headers: HeaderMap) -> Result<Response, ApiError> {
    client.may_look()?;
    let form = Form::accepted(&headers);
    let mut out = Exposition::new(form);
    write_metrics(&api.node, &mut out).map_err(|err| ApiError::new(Reason::Internal, err.to_string()))?;
    Ok(([(header::CONTENT_TYPE, form.content_type())], out.finish()).into_response())
}

fn write_metrics(node: &Node, out: &mut Exposition) -> fmt::Result {
    instances::write_instances(node, out)?;
    members::write_members(node, out)?;
    links::write_links(node, out)?;
    write_integration(node, out)?;
    write_spans(node, out)?;
    alerts::write_alerts(&node.alerts().all(), out)?;
    figures::write_figures(node, out)?;
    process::write_process(out)
}

/// Nothing of a node that makes no spans.
fn write_spans(node: &Node, out: &mut Exposition) -> fmt::Result {
    let Some(counts) = node.span_counts() else {
        return Ok(());
    };
    for (name, help, value) in [
        (
            "bellwether_spans_published_total",
            "Spans of messages that this node published.",
            counts.published,
        ),
        (
            "bellwether_spans_delivered_total",
            "Spans of messages that its subscriptions were handed.",
            counts.delivered,
        ),
        (
            "bellwether_spans_left_out_total",
            "Messages with a sampled trace context that went without a span, there being too many.",
            counts.left_out,
        ),
    ] {
        out.single(name, "counter", help, value)?;
    }
    Ok(())
}

fn write_integration(node: &Node, out: &mut Exposition) -> fmt::Result {
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
        out.single(name, kind, help, value)?;
    }
    Ok(())
}
