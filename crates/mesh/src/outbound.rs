//! A link this node dials, and on which it publishes to one peer.

use std::sync::Arc;
use std::time::Duration;

use bellwether_message::Source;
use bellwether_protocol::backoff::Backoff;
use bellwether_protocol::lane::Lane;
use bellwether_protocol::roster::Direction;
use quinn::ConnectionError;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::close::Close;
use crate::dial::{LinkError, dial};
use crate::links::{Command, Link};
use crate::session::{Serving, Session};
use crate::shared::Shared;

/// A link that was up for so long is dialed again at once when it is lost.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// Dials, serves, and dials again, until the link is stopped.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>, mut commands: mpsc::Receiver<Command>) {
    let mut backoff = Backoff::default();
    let mut was_up = false;
    loop {
        let ended = tokio::select! {
            () = link.stop.cancelled() => return,
            ended = serve(&shared, &link, &mut commands) => ended,
        };
        match ended {
            Ended::Lost { after } => {
                was_up = true;
                // One that is lost at once, again and again, is not dialed twenty times a second.
                if after >= STABLE_AFTER {
                    backoff.reset();
                }
            }
            Ended::NotUp => {}
            Ended::Own => {
                shared.links.mark_own(link.address);
                return;
            }
            Ended::Left | Ended::Refused => was_up = false,
        }
        let known = was_up || link.expected().is_some();
        let wait = backoff.next(known, rand::random());
        tokio::select! {
            () = link.stop.cancelled() => return,
            () = link.dial_now.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How one attempt has ended.
enum Ended {
    /// It was up, for so long.
    Lost { after: Duration },
    /// It never was.
    NotUp,
    /// The address is this node's.
    Own,
    /// The peer has stopped in good order.
    Left,
    /// The peer does not want us.
    Refused,
}

async fn serve(shared: &Arc<Shared>, link: &Arc<Link>, commands: &mut mpsc::Receiver<Command>) -> Ended {
    let number = shared.links.next_attempt();
    let dialed = match dial(shared, link, link.expected().as_ref(), Lane::Urgent, number).await {
        Ok(dialed) => dialed,
        Err(err) => return refused(shared, link, &err),
    };
    let Some((peer, program)) = dialed.peer(link.expected().as_ref()) else {
        dialed
            .connection
            .close(Close::BadHello.code(), Close::BadHello.name().as_bytes());
        tracing::warn!(address = %link.address, "a node answers under another name than expected");
        return Ended::NotUp;
    };
    if let Err(close) = shared.admit(&peer, dialed.welcome.joined).await {
        dialed
            .connection
            .close(Close::Gone.code(), Close::Gone.name().as_bytes());
        tracing::debug!(%peer, address = %link.address, reason = close.name(), "dropped a link");
        return Ended::NotUp;
    }
    let up_at = Instant::now();
    let session = Arc::new(Session::new(peer.clone(), number, &dialed));
    shared.links.came_up(link, &session);
    shared.update(|roster, now| roster.on_linked(Direction::Out, &peer, link.address, &program, now));
    tracing::debug!(peer = %peer, address = %link.address, "link out is up");
    let guard = Down {
        shared,
        link,
        peer: &peer,
        session: &session,
    };
    let ended = tokio::select! {
        ended = Serving::new(shared, link, &session).run(dialed.send, dialed.recv, commands) => ended,
        () = session.redial.cancelled() => Err(LinkError::Redial),
    };
    let reason = dialed.connection.close_reason();
    if reason == Some(ConnectionError::Reset) {
        shared.update(|roster, _| roster.on_reset(&peer));
    }
    drop(guard);
    if let Err(err) = &ended {
        tracing::debug!(peer = %peer, err = err as &dyn std::error::Error, "link out is down");
    }
    match reason.as_ref().and_then(Close::of) {
        Some(Close::Leaving) => {
            shared.left(&peer);
            Ended::Left
        }
        Some(close @ (Close::DuplicateNodeId | Close::StaleEpoch)) => refused(shared, link, &LinkError::Closed(close)),
        _ => Ended::Lost { after: up_at.elapsed() },
    }
}

/// Whatever ends the session, also the drop of its task: the connections are closed and the roster is told.
struct Down<'a> {
    shared: &'a Arc<Shared>,
    link: &'a Link,
    peer: &'a Source,
    session: &'a Session,
}

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.session.close(if self.shared.supervisor.is_stopping() {
            Close::Leaving
        } else {
            Close::Gone
        });
        self.link.went_down();
        // A newer link to the same run, by another address, may have replaced this one.
        let replaced = self
            .shared
            .links
            .to_node(&self.peer.node)
            .is_some_and(|(_, other)| other.peer == *self.peer);
        if !replaced {
            self.shared
                .update(|roster, now| roster.on_unlinked(Direction::Out, self.peer, now));
        }
    }
}

fn refused(shared: &Shared, link: &Link, err: &LinkError) -> Ended {
    match err.close() {
        Some(Close::OwnDial) => Ended::Own,
        Some(close @ (Close::DuplicateNodeId | Close::StaleEpoch)) => {
            shared.fail_as_duplicate(close, link.address);
            Ended::Refused
        }
        Some(close) => {
            tracing::debug!(address = %link.address, reason = close.name(), "dial refused");
            Ended::Refused
        }
        None => {
            tracing::debug!(address = %link.address, err = err as &dyn std::error::Error, "dial failed");
            Ended::NotUp
        }
    }
}
