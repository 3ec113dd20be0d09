//! Dialing: from an address to a connection on which the peer has said welcome.

use std::time::Duration;

use bellwether_message::{Epoch, NodeId, Source};
use bellwether_protocol::control::{FromAcceptor, Hello, MAX_FRAME, WIRE_VERSION, Welcome};
use bellwether_protocol::interest::InterestError;
use bellwether_protocol::lane::Lane;
use quinn::{Connection, ConnectionError, RecvStream, SendStream};

use crate::close::Close;
use crate::control_stream::{self, ControlError};
use crate::endpoint::ConnectError;
use crate::identity::Identity;
use crate::links::Link;
use crate::shared::Shared;
use crate::writer::SendError;

/// A dial that is not answered within this time has failed; on loopback nothing else reports a closed port.
const DIAL_WITHIN: Duration = Duration::from_secs(1);
/// The acceptor may first ask an older run of ours whether it lives.
const WELCOME_WITHIN: Duration = Duration::from_secs(3);

/// A connection on which the peer has said welcome.
pub(crate) struct Dialed {
    pub(crate) connection: Connection,
    pub(crate) send: SendStream,
    pub(crate) recv: RecvStream,
    pub(crate) welcome: Welcome,
}

impl Dialed {
    /// Who answered: certificate, welcome and expectation must agree.
    pub(crate) fn peer(&self, expected: Option<&NodeId>) -> Option<(Source, String)> {
        let certified = Identity::of_peer(&self.connection)?;
        let expected = expected.is_none_or(|expected| *expected == certified);
        let peer = Source {
            node: certified,
            epoch: Epoch(self.welcome.epoch),
        };
        (expected && peer.node.as_str() == self.welcome.node).then(|| (peer, self.welcome.program.clone()))
    }
}

/// Dials a lane and says hello. Gives up after the dial's time and the welcome's.
pub(crate) async fn dial(
    shared: &Shared,
    link: &Link,
    node: Option<&NodeId>,
    lane: Lane,
    number: u64,
) -> Result<Dialed, LinkError> {
    let name = Identity::server_name(node);
    let connecting = shared.endpoints.connect(lane, link.address, &name)?;
    let connection = tokio::time::timeout(DIAL_WITHIN, connecting)
        .await
        .map_err(|_| LinkError::NoAnswer)??;
    let greeted = tokio::time::timeout(WELCOME_WITHIN, greet(shared, &connection, lane, number)).await;
    // Keys may have been removed since the handshake.
    if !shared.endpoints.trusts(&connection) {
        connection.close(Close::KeyRemoved.code(), Close::KeyRemoved.name().as_bytes());
        return Err(LinkError::KeyRemoved);
    }
    match greeted.unwrap_or(Err(LinkError::NoAnswer)) {
        Ok((send, recv, welcome)) => Ok(Dialed {
            connection,
            send,
            recv,
            welcome,
        }),
        // A refusal closes the connection; the code says more than the broken stream.
        Err(err) => Err(match connection.close_reason() {
            Some(reason) => {
                if let Some(newer) = newer_run(&reason) {
                    shared.newer_run_is_known(newer);
                }
                Close::of(&reason).map_or(err, LinkError::Closed)
            }
            None => err,
        }),
    }
}

/// The newer run of this node that a refusal names.
fn newer_run(reason: &ConnectionError) -> Option<Epoch> {
    let ConnectionError::ApplicationClosed(close) = reason else {
        return None;
    };
    let is_stale = Close::of(reason) == Some(Close::StaleEpoch);
    std::str::from_utf8(&close.reason)
        .ok()
        .filter(|_| is_stale)?
        .parse()
        .ok()
        .map(Epoch)
}

async fn greet(
    shared: &Shared,
    connection: &Connection,
    lane: Lane,
    link: u64,
) -> Result<(SendStream, RecvStream, Welcome), LinkError> {
    let (mut send, mut recv) = connection.open_bi().await?;
    send.set_priority(100).ok();
    let hello = Hello {
        wire_version: WIRE_VERSION,
        cluster: shared.cluster.clone(),
        node: shared.own.node.to_string(),
        epoch: shared.own.epoch.0,
        advertise: shared.advertise.to_string(),
        link,
        lane: lane as u8,
        joined: shared.is_settled(),
        program: shared.program.clone(),
    };
    control_stream::write(&mut send, &hello).await?;
    match control_stream::read::<FromAcceptor>(&mut recv, MAX_FRAME).await {
        Ok(FromAcceptor::Welcome(welcome)) => Ok((send, recv, welcome)),
        Ok(_) => Err(LinkError::Unexpected),
        Err(err) => {
            // The close code arrives with the broken stream, but perhaps a moment later.
            let _ = tokio::time::timeout(Duration::from_millis(50), connection.closed()).await;
            Err(err.into())
        }
    }
}

/// Why a link is not up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("no answer")]
    NoAnswer,
    #[error("refused: {}", .0.name())]
    Closed(Close),
    #[error("the peer says what it must not say now")]
    Unexpected,
    #[error(transparent)]
    Interest(#[from] InterestError),
    #[error("the peer has a newer run")]
    Redial,
    #[error("the peer's key was removed")]
    KeyRemoved,
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the connection is lost")]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Send(#[from] SendError),
}

impl LinkError {
    /// The code the peer closed with, if it did.
    pub(crate) fn close(&self) -> Option<Close> {
        match self {
            Self::Closed(close) => Some(*close),
            Self::Connection(err) => Close::of(err),
            _ => None,
        }
    }
}
