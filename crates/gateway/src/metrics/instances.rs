//! The ten instances: totals, sizes, and how long messages took.

use std::fmt::{self, Write};

use bellwether::{Counters, DropReason, InstanceInfo, LATENCY_BUCKETS_MS, Node};

use super::exposition::Exposition;

pub(super) fn write_instances(node: &Node, out: &mut Exposition) -> fmt::Result {
    let instances = node.instances();
    write_totals(node, &instances, out)?;
    write_dropped(node, &instances, out)?;
    write_sizes(&instances, out)?;
    write_latencies(node, &instances, out)
}

/// Name, meaning, and where the number is.
type Total = (&'static str, &'static str, fn(&Counters) -> u64);
type Size = (&'static str, &'static str, fn(&InstanceInfo) -> usize);

fn write_totals(node: &Node, instances: &[InstanceInfo], out: &mut Exposition) -> fmt::Result {
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
        out.family(name, "counter", help)?;
        for info in instances {
            let total = value(node.counters(info.instance));
            writeln!(out, "{name}{{instance=\"{}\"}} {total}", info.instance)?;
        }
    }
    Ok(())
}

fn write_dropped(node: &Node, instances: &[InstanceInfo], out: &mut Exposition) -> fmt::Result {
    let name = "bellwether_messages_dropped_total";
    out.family(
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

fn write_sizes(instances: &[InstanceInfo], out: &mut Exposition) -> fmt::Result {
    let sizes: [Size; 7] = [
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
        (
            "bellwether_queue_limit_messages",
            "How many may wait in each of them.",
            |info| info.queue_limit_messages,
        ),
        (
            "bellwether_backlog_limit_messages",
            "How many messages are kept for peers at most.",
            |info| info.backlog_limit_messages,
        ),
    ];
    for (name, help, value) in sizes {
        out.family(name, "gauge", help)?;
        for info in instances {
            writeln!(out, "{name}{{instance=\"{}\"}} {}", info.instance, value(info))?;
        }
    }
    let name = "bellwether_fullest_queue_ratio";
    let help = "How full the fullest of these queues is, of its messages or of its bytes: 0 to 1.";
    out.family(name, "gauge", help)?;
    for info in instances {
        let full = info.fullest_queue_percent as f64 / 100.0;
        writeln!(out, "{name}{{instance=\"{}\"}} {full}", info.instance)?;
    }
    Ok(())
}

/// A histogram of each instance.
fn write_latencies(node: &Node, instances: &[InstanceInfo], out: &mut Exposition) -> fmt::Result {
    let name = "bellwether_delivery_latency_seconds";
    out.family(
        name,
        "histogram",
        "From publishing, by the clock of that node, until a subscription of this one handed a message out, by its own.",
    )?;
    for info in instances {
        let instance = info.instance;
        let counts = node.counters(instance).latency.counts();
        let total = counts.at_most.last().copied().unwrap_or_default();
        for (end, at_most) in LATENCY_BUCKETS_MS.iter().zip(counts.at_most) {
            let seconds = *end as f64 / 1000.0;
            writeln!(
                out,
                "{name}_bucket{{instance=\"{instance}\",le=\"{seconds:?}\"}} {at_most}"
            )?;
        }
        writeln!(out, "{name}_bucket{{instance=\"{instance}\",le=\"+Inf\"}} {total}")?;
        writeln!(
            out,
            "{name}_sum{{instance=\"{instance}\"}} {}",
            counts.sum.as_secs_f64()
        )?;
        writeln!(out, "{name}_count{{instance=\"{instance}\"}} {total}")?;
    }
    Ok(())
}
