//! Phoenix channels, serializer V2, spoken to programs on the host and to browsers.
//!
//! A client of Phoenix (`phoenix.js`, Slipstream, …) changes the address of its socket to `ws://NODE/socket` and joins
//! channels named after what it used to subscribe to:
//!
//! ```text
//! const socket = new Socket("ws://127.0.0.1:7480/socket", {authToken: token})
//! let last = null
//! const channel = socket.channel("health:cluster_health", () => ({since: last}))
//! channel.on("node_health_updated", payload => { last = payload._bellwether.cursor ?? last; … })
//! channel.join()
//! ```
//!
//! **Topics** are an instance and a topic or pattern inside it ([`ChannelTopic`]): `health:cluster_health`,
//! `alerts:system_alerts:*`. Anything else is answered with `{"reason":"unmatched topic"}`.
//!
//! **Joining** means live: the answer `{"live":{"live","nodes","not_yet","joined"},"cursor"}` comes once every known node
//! has confirmed, or has had its time to (two seconds; while the node itself joins, five more). If some had not, the event
//! `subscribed` with the same report follows once all have. Parameters: `since`, a cursor or the id of a message, and
//! `from`, one of `live`, `earliest`, `last:N`, `id:ID`, `time:RFC3339`. Where they are given as a function, as above, a
//! client that connects again goes on where it stood.
//!
//! **A message** arrives as an event named by its tag, its payload being the message's JSON object. One reserved key is
//! added: `_bellwether: {"id","topic","originating_node","reporting_node","timestamp","cursor"}`, besides `correlation_id`,
//! `causation_id`, `reply_to` and `headers` where the message has them; topics are written as a channel's. `cursor` is null while nobody can say
//! how to go on: in a replay by `last:N` or `time:`. JSON that is no object comes as `{"payload":…,"_bellwether":…}`.
//! Anything that is not JSON comes as a binary frame, whose event is the tag; there is no room for the rest, so that
//! a client that resumes from a cursor of before gets it again. A tag that would be taken for a word of the protocol
//! (`phx_…`, `chan_reply_…`) comes as the event `message`, and is said in `_bellwether.event`.
//!
//! **What is no message** comes as the events `gap` (messages that will not come), `epoch_ended` (a run of a node is over)
//! and `live` (the end of a replay), in the forms of [`bellwether_delivery::json`], with `_bellwether: {"cursor"}`: they
//! have no `_bellwether.id`, and so cannot be confused with messages of these names.
//!
//! **Publishing**: `push("publish", {topic, event, payload})`, all optional: the channel's own topic, `message`, `{}`. Also
//! `originating_node`, `correlation_id`, `causation_id`, `schema_version`, `reply_to`, `headers` (an object of strings, or
//! lists of strings), `wait` (true or seconds), `confirm` (`none`, `local`, `all` or a number), `confirm_within` (seconds). Any other event is published on the channel's own
//! topic with that event tag; one of the catalogue as a message of its type, judged, with what is left out filled in. A
//! binary push publishes its bytes. The answer is `{"id"}` once the message is published, with `confirmed`, `required` and
//! `peers` where peers were asked for. The reserved key is taken out of what is published.
//!
//! **Refusals** are `{"reason":"<code>","message":"<words>"}`, see [`Reason`].
//!
//! **The token** is a sub-protocol (`authToken` of phoenix.js), or `Authorization: Bearer`, or `token` in the query, which
//! lands in logs. A socket whose client may be there no longer is closed with 1008 after `phx_error` on its channels, and
//! refused with 403 when it comes back.
//!
//! **Bounds**: 100 channels and 64 waiting pushes per socket; frames of the largest payload of any instance and 16 KiB;
//! 255 bytes per ref, topic and event; 60 s of silence; 30 s in which the client takes nothing.

mod door;

mod channels;
mod join;
mod topic;

pub mod frame;
mod payload;
mod refusal;

mod publication;
mod publishing;

mod feed;
mod outbox;
mod socket;

pub use self::channels::{Answer, ChannelId, Channels, Effect, IDLE, MAX_CHANNELS, MAX_OUTSTANDING};
pub use self::door::router;
pub use self::payload::METADATA;
pub use self::refusal::{Reason, Refusal};
pub use self::topic::{ChannelTopic, ChannelTopicError};
