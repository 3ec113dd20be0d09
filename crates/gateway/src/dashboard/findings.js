// What is wrong with the mesh, the worst first: the rules of the page's first line. Touches nothing.

import { clock, count, list, plural } from './format.js';
import { SILENT_MS } from './mesh.js';

/** A queue this full is told, and this full is bad. */
const QUEUE_FULLER = 0.5;
const QUEUE_FULL = 0.9;

const RANK = { bad: 0, warn: 1, note: 2 };

/** What a reason for a drop means to whoever reads it. */
const DROPS = {
  slow_subscriber: 'for subscribers that read too slowly',
  link_overrun: 'before slow links could carry them',
  backlog_overrun: 'before absent peers or readers came back',
  refused: 'refused to publishers',
  unverified: 'since their signatures are not this mesh’s',
};

/** Each is `{id, level, words, since, section}`; `since` is null where nobody knows. */
export function findings(mesh, { alerts, unhealthy, breakers }) {
  const found = [
    ...members(mesh), ...links(mesh), ...versions(mesh), ...drops(mesh), ...queues(mesh),
    ...openAlerts(alerts), ...subscriptions(unhealthy, breakers),
  ];
  return found.sort((a, b) => RANK[a.level] - RANK[b.level] || (a.since ?? 0) - (b.since ?? 0));
}

function* members(mesh) {
  for (const node of mesh.list()) {
    const since = node.sawChange ? node.since : null;
    const finding = (level, words) => ({ id: `member ${node.name}`, level, words, since, section: 'members' });
    const others = mesh.otherViews(node).map(([name, state]) => `${name} (${state})`);
    if (node.state === 'down') yield finding('bad', `${node.name} is down.${others.length > 0 ? ` Others see it otherwise: ${list(others)}.` : ''}`);
    else if (node.state === 'suspect') yield finding('warn', `${node.name} is suspected to be down.`);
    else if (mesh.isUp(node) && mesh.isSilent(node) && Date.now() - node.since > SILENT_MS) yield finding('warn', `${node.name} is alive, but has not said how it is for some seconds.`);
    else if (node.snapshot && !node.snapshot.ready) yield finding('warn', `${node.name} has not joined yet.`);
    else if (others.length > 0) yield finding('warn', `${node.name} is alive, but others see it otherwise: ${list(others)}.`);
  }
}

function* links(mesh) {
  const up = mesh.list().filter((node) => mesh.isUp(node));
  const broken = [];
  for (const [index, one] of up.entries()) {
    for (const other of up.slice(index + 1)) {
      const { state } = mesh.link(one, other);
      if (state === 'one-way' || state === 'broken') broken.push(`${one.name}–${other.name}`);
    }
  }
  if (broken.length > 0) {
    const words = `${plural(broken.length, 'link')} between members that are alive ${broken.length === 1 ? 'is' : 'are'} not up both ways: ${list(broken)}.`;
    yield { id: 'links', level: 'warn', words, since: null, section: 'members' };
  }
}

function* versions(mesh) {
  const nodes = new Map();
  for (const node of mesh.scope(null)) {
    const version = node.snapshot.version;
    nodes.set(version, [...(nodes.get(version) ?? []), node.name]);
  }
  if (nodes.size < 2) return;
  const said = [...nodes].map(([version, names]) => `${version} on ${list(names)}`);
  yield { id: 'versions', level: 'note', words: `Several versions run: ${said.join('; ')}.`, since: null, section: 'members' };
}

function* drops(mesh) {
  for (const { instance, reason, count: number, nodes, since, last } of mesh.drops.values()) {
    const words = `${plural(number, 'message')} of ${instance} dropped on ${list([...nodes].sort())} ${DROPS[reason] ?? `(${reason})`}, last at ${clock(last)}.`;
    yield { id: `drop ${instance} ${reason}`, level: reason === 'unverified' ? 'bad' : 'warn', words, since, section: 'instances' };
  }
}

function* queues(mesh) {
  for (const node of mesh.scope(null)) {
    for (const row of node.snapshot.instances) {
      const fill = row.fullest_queue_percent / 100;
      if (!(fill >= QUEUE_FULLER)) continue;
      const of = row.worst ? ` of ${list(row.worst.patterns.map((pattern) => `${row.instance}/${pattern}`), 2)}` : ` of ${row.instance}`;
      const words = `A queue${of} on ${node.name} is ${Math.round(fill * 100)} % full: ${count(row.deepest_queue_messages)} messages wait.`;
      yield { id: `queue ${node.name} ${row.instance}`, level: fill >= QUEUE_FULL ? 'bad' : 'warn', words, since: null, section: 'instances' };
    }
  }
}

function* openAlerts(alerts) {
  const open = alerts.filter((alert) => alert.state === 'open');
  for (const [severity, level] of [['critical', 'bad'], ['error', 'bad'], ['warning', 'warn'], ['info', 'note']]) {
    const these = open.filter((alert) => alert.severity === severity);
    if (these.length === 0) continue;
    const since = Math.min(...these.map((alert) => Date.parse(alert.raised_at)));
    const one = `An alert is open (${severity}): ${these[0].title}`;
    const words = these.length === 1 ? one : `${count(these.length)} alerts are open (${severity}), the last: ${these[0].title}`;
    yield { id: `alerts ${severity}`, level, words, since, section: 'alerts' };
  }
}

function* subscriptions(unhealthy, breakers) {
  for (const { store, record } of unhealthy) {
    const level = record.current_status === 'failed' ? 'bad' : 'warn';
    const words = `Subscription ${record.subscription_name} of ${store} is ${record.current_status}${record.last_error ? `: ${record.last_error}` : '.'}`;
    yield { id: `subscription ${store} ${record.subscription_name}`, level, words, since: null, section: 'subscriptions' };
  }
  for (const breaker of breakers) {
    if (breaker.state === 'closed') continue;
    const words = `The breaker of ${breaker.service} is ${breaker.state === 'open' ? 'open' : 'half open'}.`;
    yield { id: `breaker ${breaker.service}`, level: 'warn', words, since: null, section: 'subscriptions' };
  }
}
