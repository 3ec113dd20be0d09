//! The examples at the end of each command's `--help`.
//!
//! At most 78 characters a line: clap would break longer ones on a narrow terminal, and a broken command cannot be
//! copied.

pub(super) const PROGRAM: &str = "\
See it work:
  bellwether demo

Three nodes, each in a terminal of its own, all with the same secret:
  export SECRET_KEY_BASE=$(bellwether secret new)
  bellwether start --name a --listen 127.0.0.1:7400 --http 127.0.0.1:7480
  bellwether start --name b --listen 127.0.0.2:7400 --http 127.0.0.2:7480 \\
      --seed 127.0.0.1:7400
  bellwether start --name c --listen 127.0.0.3:7400 --http 127.0.0.3:7480 \\
      --seed 127.0.0.1:7400

Receive on one, publish on another:
  bellwether --node http://127.0.0.3:7480 sub alerts 'system_alerts:*'
  bellwether --node http://127.0.0.1:7480 \\
      pub alerts system_alerts:critical '{\"message\":\"disk full\"}'

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
BELLWETHER_LOG filters the log on stderr, such as `debug` or `warn`.";

pub(super) const START: &str = "\
Examples:
  bellwether start                           alone on this host: local programs only, no mesh
  export SECRET_KEY_BASE=$(bellwether secret new)
  bellwether start --name a --listen 192.0.2.11:7400
  bellwether start --name b --listen 192.0.2.12:7400 --seed 192.0.2.11:7400
  bellwether start --config /etc/bellwether/bellwether.toml
  bellwether start --nats 127.0.0.1:4222 --socket /run/bellwether/bellwether.sock

SIGTERM and Ctrl-C hand over what is left and leave the mesh: exit code 0, or
1 if a node has not confirmed everything in time. A second signal ends at once.";

pub(super) const DEMO: &str = "\
Examples:
  bellwether demo
  bellwether demo --for 5s --format json     one JSON object per delivery, with received_on
  bellwether demo --theme classic            as the original's terminal shows it

Exit code 1 if the nodes do not find each other or a message is missing.";

pub(super) const PUB: &str = "\
Examples:
  bellwether pub alerts system_alerts:critical --event critical_alert \\
      '{\"message\":\"disk full\"}'
  bellwether pub events orders:new @order.json
  tail -F /var/log/syslog | bellwether pub logging host:syslog --lines -
  bellwether pub metrics load:test --lines samples.txt --rate 500 --format json
  bellwether pub events import:row --lines rows.txt --wait     loses nothing
  bellwether pub audit login:ok --confirm all '{\"user\":\"eve\"}'
  bellwether pub events orders:new -H 'Trace-Id: 17' @order.json

Prints the message's id, with --lines how many were published and failed. A
line fails when the node refuses it or does not acknowledge it, or fewer peers
than --confirm asks for do; the latter is published all the same. If any has
failed the exit code is 1. When the node goes, the run ends.";

pub(super) const SUB: &str = "\
Examples:
  bellwether sub alerts 'system_alerts:*'
  bellwether sub events '*' alerts '*' --format json
  bellwether sub events 'orders:+:paid' --count 1
  bellwether sub logging 'host:*' --from last:100
  bellwether sub audit '*' --from time:2026-11-21T09:00:00Z
  bellwether sub events 'orders:*' --queue workers
  bellwether sub --theme classic \\
      health 'health_summary:main' system 'metrics_summary:main'

Quote patterns: `*` means something to the shell. On stderr, `subscribed, live
on 3 of 3 nodes` says from how many nodes everything comes from now on. What
could not be delivered is said in its place. When the node goes, this waits for
it and resumes where it stood: what the nodes still keep is not missed, and
nothing comes twice.";

pub(super) const TAIL: &str = "\
Examples:
  bellwether tail
  bellwether tail alerts 'health/node_health:*' --last 20
  bellwether tail --origin db-1 --severity warning
  bellwether tail events --event order_placed --grep 'sku-7'
  bellwether tail --grep timeout --format json | jq .payload

The columns: time (UTC), instance, topic, event, where it arose and which node
published it, payload. What is missing is told in its place, in red. When the
node goes, this waits for it and resumes where it stood. Topics that begin with
`$`, which are the mesh's own, come only where a pattern names them.";

pub(super) const TRACE: &str = "\
Examples:
  bellwether trace events/a/1763722345123/7
  bellwether trace order-4711 --instance events --instance audit
  bellwether trace order-4711 --from time:2026-11-21T09:00:00Z --follow
  bellwether trace order-4711 --format json | jq -r .message.id

Finds the message, and all that are tied to it by correlation_id and
causation_id, in what the nodes still keep. Each stands below the one that it
says it was caused by, with the time between the two; marked `*`, that compares
the clocks of two nodes. Exit code 1 if there is none.";

pub(super) const REQUEST: &str = "\
Examples:
  bellwether request events prices:eur '{\"sku\":7}'
  bellwether request events ping --replies 3 --timeout 500ms
  bellwether request events prices:eur @question.json --format json

Prints each answer's content as it is; with --format json the whole message.
Exit code 1 if fewer answers came than were expected. Answers come to a topic
of `events` that begins with `_inbox:`.";

pub(super) const REPLY: &str = "\
Examples:
  bellwether reply events ping pong
  bellwether reply events 'echo:*' --echo
  bellwether reply events 'time:*' --queue clocks --command 'date -u'
  bellwether reply events 'prices:*' --command './price \"$BELLWETHER_TOPIC\"'

Prints the questions as `bellwether sub` does. A message that says no place
for an answer (`reply_to`) is no question and gets none.";

pub(super) const TOP: &str = "\
Examples:
  bellwether top
  bellwether --node http://127.0.0.2:7480 top --view instances
  bellwether top --once --sort rtt
  bellwether top --format json | jq '.snapshots[] | {node, open_alerts}'

Any node shows all of them. Tab switches between the views, `<` and `>` choose
the column to sort by, `r` turns it round, `/` filters, `?` tells of the rest,
`q` quits. Rates are per second. Where standard output is no terminal, it
prints one table and ends. When the node goes, this waits for it.";

pub(super) const DOCTOR: &str = "\
Examples:
  bellwether doctor
  bellwether doctor --config /etc/bellwether/bellwether.toml --offline
  bellwether --node https://node.example:7480 doctor --format json

Checks the configuration, secrets, seeds, certificates, data folder, UDP
buffers, offload and file descriptors of this host; and, if a node answers,
members, links, versions, clocks and MTU of its mesh. Exit codes as monitoring
plugins have them: 0 ok, 1 warning, 2 critical, 3 unknown; the first line says
it in short. Run it as the user of the node.";

pub(super) const CONTEXT: &str = "\
Examples:
  bellwether context add prod --node https://node.example:7480 \\
      --token-file ~/.prod-token --description 'the real one'
  bellwether context select prod
  bellwether members                         the node of prod
  bellwether --context test members          another, this once
  bellwether context validate --connect

Flags stand above the environment, that above the context, and that above the
default. A context that is named by --context stands above the environment.
Its token goes to its own node only, and is shown by no command. Kept in
$XDG_CONFIG_HOME/bellwether, readable by this user only.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  source <(bellwether completions bash)
  bellwether completions zsh > ~/.zfunc/_bellwether
  bellwether completions fish > ~/.config/fish/completions/bellwether.fish";

pub(super) const MAN: &str = "\
Examples:
  bellwether man | man -l -
  bellwether man pub | man -l -
  bellwether man --out /usr/local/share/man/man1";

pub(super) const MEMBERS: &str = "\
Examples:
  bellwether members
  bellwether --node http://127.0.0.2:7480 members --format json

STATE is self, alive, suspect (its gossip has stopped) or down. IN and OUT:
whether the link from and to it is up.";

pub(super) const SUBSCRIBERS: &str = "\
Examples:
  bellwether subscribers
  bellwether subscribers alerts system_alerts:critical       who would receive such a message

QUEUE and BYTES are what waits to be read, known for this node's own
subscriptions only.";

pub(super) const INSTANCES: &str = "\
Examples:
  bellwether instances
  bellwether instances --format json";

pub(super) const SECRET: &str = "\
Examples:
  export SECRET_KEY_BASE=$(bellwether secret new)
  (umask 077 && bellwether secret new > secret)
  SECRET_KEY_BASE_FILE=secret bellwether start

All nodes of a mesh have the same secret, and whoever has it is a member.";

pub(super) const KEYS: &str = "\
Examples:
  (umask 077 && bellwether secret new > new-secret)
  bellwether keys add < new-secret          on every node, with the same secret
  bellwether keys list                      shows its id, and who lacks it
  bellwether keys promote 5d41402abc4b2a76  then, on every node: it signs
  bellwether keys remove 7d793037a0760186   then, on every node: the old one

A key file has one secret per line; the first signs, all verify. Each command
changes the file of one node, whole or not at all, and has the node read it
again; no message is lost. Only ids are ever shown. While a member has not done
its step, or is down, the next is refused, and says who: --force does it all the
same. Tokens count as long as the key that signed when they were made: make
others after the promotion, before that key is removed.";

pub(super) const TOKEN: &str = "\
Examples:
  export SECRET_KEY_BASE_FILE=/etc/bellwether/secrets
  bellwether token new --name web --allow-subscribe 'alerts:*'
  bellwether token new --name collector --allow-publish 'metrics:*' \\
      --deny-publish 'metrics:billing:*' --expires 12h
  bellwether token new --name ops --allow-subscribe '*' --look --administer
  bellwether token show - < token
  bellwether token revoke - --file /etc/bellwether/revoked < token

A permission is written INSTANCE:PATTERN; `*` is everything but security and
audit, which must be named. What is denied is denied whatever else allows it.
Clients show a token as `Authorization: Bearer TOKEN`, NATS clients as their
token or password. Nodes ask for one where their file has a table [access].
The arguments of a command can be seen by others on the host: prefer `-`.";

pub(super) const CONFIG: &str = "\
Examples:
  bellwether config check --config bellwether.toml
  bellwether config show --config bellwether.toml --name b
  bellwether config show --example > bellwether.toml";

pub(super) const CATALOGUE: &str = "\
Examples:
  bellwether catalogue                      every type, tag and topic
  bellwether catalogue health               what is published there
  bellwether catalogue node_health_updated  one type, by its tag or its name
  bellwether catalogue NodeHealth --example
  bellwether catalogue NodeHealth --json-schema > node-health.schema.json

Needs no node: the catalogue is part of this program.";

pub(super) const VALIDATE: &str = "\
Examples:
  bellwether validate health NodeHealth @health.json
  bellwether catalogue NodeHealth --example |
      bellwether validate health NodeHealth @-
  bellwether validate alerts system_alert @- --format json < alert.json

Prints the message with known names, one form of each time and what is usual
where it was left out; or the reason and the fields (exit code 1). Needs no
node. Words that the catalogue lacks pass, as they do for a receiver; `say`
refuses them where an enumeration is closed.";

pub(super) const SAY: &str = "\
Examples:
  bellwether say health NodeHealth '{\"node\":\"db-1\",\"status\":\"healthy\"}'
  bellwether say alerts system_alert @alert.json --topic system_alerts:high
  bellwether say audit data_change @- --confirm all < change.json

`bellwether catalogue TYPE` tells what a message says and where it goes.
Prints its id; with --format json also its topic and the whole message, with
what the node has filled in. Exit code 1 if the node refuses it, or if fewer
peers than --confirm asks for confirm it; then it is published all the same.";

pub(super) const BROADCAST: &str = "\
Examples:
  bellwether broadcast health_update \\
      '{\"component\":\"store\",\"status\":\"healthy\"}'
  bellwether broadcast alert '{\"alert_type\":\"node_failure\",
      \"severity\":\"critical\",\"message\":\"db-1 is gone\"}'
  bellwether broadcast metrics @figures.json
  bellwether broadcast --batch calls.json    [{\"health_update\":{…}},…]

Beside a helper's own arguments, `topic` says where the message goes, but for
store and cluster health, and `node` which node it is about. Prints the id, or
`disabled` if the integration of the node is switched off; of a batch, how many
were published and failed. If any has failed the exit code is 1.";

pub(super) const INTEGRATION: &str = "\
Examples:
  bellwether integration status
  bellwether integration disable
  bellwether --node http://127.0.0.2:7480 integration enable --format json

Switches one node, until it stops: nothing is written down. Switched off,
`broadcast` does nothing and the node reports nothing by itself; `say` and
`pub` are not affected.";

pub(super) const ALERTS: &str = "\
Examples:
  bellwether alerts
  bellwether alerts --all
  bellwether alerts --format json

Open alerts, the worst first. COUNT is how often one was raised, LEVEL how far
it was escalated since nobody has acknowledged it. A node knows the alerts of
the whole mesh once its integration was switched on.";

pub(super) const ACK: &str = "\
Examples:
  bellwether ack 9f86d081884c7d65
  bellwether ack 9f86d081884c7d65 --by ops --note 'looking'
  bellwether ack 9f86d081884c7d65 --by ops --resolution 'disk replaced'

Prints the alert as it is now. One that the node does not know is acknowledged
all the same: another may know it.";

pub(super) const THRESHOLDS: &str = "\
Examples:
  bellwether thresholds
  bellwether thresholds set deep-queue --metric queue_depth \\
      --max --warning 100 --critical 900
  bellwether thresholds set slow --metric append --component p99 \\
      --max --critical 250 --sustained 3
  bellwether thresholds set free --metric free_percent --min --warning 10
  bellwether thresholds remove deep-queue

A figure that is published on this node and crosses a limit becomes a
MetricAlert, while the integration is switched on. This changes one node,
until it stops: nothing is written down. A node that starts watches what its
configuration says.";
