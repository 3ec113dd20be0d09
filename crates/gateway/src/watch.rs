//! Whether the client of an open session still may have it, and what of a delivery.

use std::task::{Context, Poll};
use std::time::Duration;

use bellwether::{Delivery, Timestamp};
use bellwether_access::PolicyWatch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::client::Client;
use crate::error::{ApiError, Reason};

/// How often a session asks whether its client still is who it was.
const CHECK_PERIOD: Duration = Duration::from_millis(500);

/// The client of one open session, and the time of the next look at it.
#[derive(Debug)]
pub(crate) struct ClientWatch {
    client: Client,
    checks: Interval,
    policy: PolicyWatch,
}

impl ClientWatch {
    pub(crate) fn new(client: Client) -> Self {
        let mut checks = interval_at(Instant::now() + CHECK_PERIOD, CHECK_PERIOD);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            client,
            checks,
            policy: PolicyWatch::default(),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Ready once the session must end, with what its client is told; until then the context is woken for each look.
    pub(crate) fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<ApiError> {
        while self.checks.poll_tick(context).is_ready() {
            if let Err(err) = self.client.caller().check(Timestamp::now()) {
                return Poll::Ready(ApiError::new(Reason::Unauthenticated, err.to_string()));
            }
        }
        Poll::Pending
    }

    /// Ready once what the client has open must end, with what it is told: its session ends, or it may not go on. That is asked
    /// whenever the policy has changed.
    pub(crate) fn poll_denied(
        &mut self,
        context: &mut Context<'_>,
        may_go_on: impl FnOnce(&Client) -> Result<(), ApiError>,
    ) -> Poll<ApiError> {
        if let Poll::Ready(err) = self.poll_ended(context) {
            return Poll::Ready(err);
        }
        match self.must_ask_again().then(|| may_go_on(&self.client)) {
            Some(Err(err)) => Poll::Ready(err),
            _ => Poll::Pending,
        }
    }

    /// Whether subscriptions are to be asked for again: the policy has changed, or nobody has looked yet. Asked whenever
    /// [`poll_ended`](Self::poll_ended) is.
    pub(crate) fn must_ask_again(&mut self) -> bool {
        self.policy.has_changed(self.client.caller())
    }

    /// A subscription begins that was asked for a while ago.
    pub(crate) fn begin_anew(&mut self) {
        self.policy.begin_anew();
    }

    /// Whether the client may have this. What is no message says nothing of one, and may be had by everybody.
    pub(crate) fn may_receive(&self, delivery: &Delivery) -> bool {
        match delivery {
            Delivery::Message(envelope) => {
                let topic = envelope.head().topic;
                self.client.caller().may_receive(envelope.instance(), topic)
            }
            _ => true,
        }
    }
}
