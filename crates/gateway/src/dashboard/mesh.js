// The mesh as its nodes describe themselves: the last snapshot of each, and what follows from two of them.

import { LENGTH, Series, sums } from './series.js';

/** A node speaks once a second; after so long it is silent. */
export const SILENT_MS = 4000;
/** What was dropped counts as trouble for so long. */
const DROP_MEMORY_MS = 60_000;
/** What a node said before it went is kept for so long: it may come back. */
const FORGET_MS = 15 * 60_000;

const RATES = ['published', 'delivered', 'forwarded', 'received'];
const CHARTED = ['published', 'delivered', 'dropped'];
/** In the place of an instance: all of them. */
const ALL = '*';
const COLLATOR = new Intl.Collator('en', { numeric: true });

export const totalDropped = (row) => Object.values(row.dropped).reduce((sum, number) => sum + number, 0);

/** One node, and what it said. */
class NodeView {
  snapshot = null;
  heardAt = -Infinity;
  /** By instance: rates per second, `null` until there are two snapshots of one run. */
  rates = new Map();
  /** By instance, and of all: series. */
  series = new Map();
  /** By name: the members as it sees them. */
  sees = new Map();
  cpu = null;
  /** By peer and lane: `{sent, received}` in bytes per second. */
  lanes = new Map();
  /** Its state, since when, and whether the page saw it become so. */
  state = 'unknown';
  since = Date.now();
  sawChange = false;

  constructor(name) {
    this.name = name;
  }

  hear(snapshot, now, second) {
    const before = this.snapshot;
    const isSameRun = before?.epoch === snapshot.epoch;
    if (isSameRun && snapshot.uptime_ms <= before.uptime_ms) return false;
    this.snapshot = snapshot;
    this.sees = new Map(snapshot.members.map((member) => [member.node, member]));
    this.heardAt = now;
    const seconds = isSameRun ? (snapshot.uptime_ms - before.uptime_ms) / 1000 : null;
    const perSecond = (after, earlier) => Math.max(0, after - earlier) / seconds;
    this.cpu = seconds && snapshot.process && before.process ? perSecond(snapshot.process.cpu_ms, before.process.cpu_ms) / 1000 : null;
    this.#countInstances(snapshot, seconds ? before : null, perSecond, second);
    this.#countLanes(snapshot, seconds ? before : null, perSecond);
    return isSameRun ? before : null;
  }

  #countInstances(snapshot, before, perSecond, second) {
    const earlier = new Map(before?.instances.map((row) => [row.instance, row]));
    const all = { published: 0, delivered: 0, dropped: 0 };
    for (const row of snapshot.instances) {
      const old = earlier.get(row.instance);
      if (!old) {
        this.rates.set(row.instance, null);
        continue;
      }
      const rates = Object.fromEntries(RATES.map((name) => [name, perSecond(row[name], old[name])]));
      rates.dropped = perSecond(totalDropped(row), totalDropped(old));
      this.rates.set(row.instance, rates);
      for (const name of CHARTED) all[name] += rates[name];
      this.#chart(row.instance, rates, second);
    }
    if (before) this.#chart(ALL, all, second);
  }

  #chart(of, rates, second) {
    let series = this.series.get(of);
    if (!series) {
      series = Object.fromEntries(CHARTED.map((name) => [name, new Series()]));
      this.series.set(of, series);
    }
    for (const name of CHARTED) series[name].put(second, rates[name]);
  }

  #countLanes(snapshot, before, perSecond) {
    const key = (link, lane) => `${link.peer} ${lane.lane}`;
    const earlier = new Map();
    for (const link of before?.links ?? []) for (const lane of link.lanes) earlier.set(key(link, lane), lane);
    this.lanes.clear();
    for (const link of snapshot.links) {
      for (const lane of link.lanes) {
        const old = earlier.get(key(link, lane));
        if (!old) continue;
        this.lanes.set(key(link, lane), {
          sent: perSecond(lane.sent_bytes, old.sent_bytes),
          received: perSecond(lane.received_bytes, old.received_bytes),
        });
      }
    }
  }
}

export class Mesh {
  /** By name. */
  nodes = new Map();
  /** The name of the node that served the page, once known. */
  viewer = null;
  /** Kinds of drops of the last minute, by instance and reason: `{instance, reason, count, nodes, since, last}`. */
  drops = new Map();
  /** By name: those that were members, and are none any more. */
  #gone = new Map();
  #listed = [];
  #speaking = [];
  #links = new Map();

  /** The members as the viewer's node lists them. Who has left is not listed any more. */
  setMembers(members) {
    for (const member of members) {
      if (member.state === 'self') this.viewer = member.node;
      this.#setState(this.#node(member.node), member.state);
    }
    const listed = new Set(members.map((member) => member.node));
    for (const node of this.nodes.values()) {
      // One that was never listed may speak before the viewer's node knows it.
      const isNew = node.state === 'unknown' && !this.isSilent(node);
      if (!listed.has(node.name) && node.name !== this.viewer && !isNew) this.#letGo(node);
    }
  }

  hear(snapshot) {
    const now = performance.now();
    // Who has left may still have something to say; that does not bring it back.
    const node = this.#gone.get(snapshot.node) ?? this.#node(snapshot.node);
    const before = node.hear(snapshot, now, Math.floor(Date.now() / 1000));
    if (before) this.#noteDrops(before, snapshot);
    if (snapshot.node === this.viewer) this.setMembers(snapshot.members);
  }

  #node(name) {
    let node = this.nodes.get(name);
    if (!node) {
      node = this.#gone.get(name) ?? new NodeView(name);
      this.#gone.delete(name);
      // What it said while it was no member is not how it is now.
      node.heardAt = -Infinity;
      this.nodes.set(name, node);
    }
    return node;
  }

  #letGo(node) {
    this.nodes.delete(node.name);
    this.#gone.set(node.name, node);
    node.state = 'unknown';
    node.sawChange = false;
    node.since = Date.now();
  }

  #setState(node, state) {
    if (node.state === state) return;
    node.sawChange = node.state !== 'unknown';
    node.state = state;
    node.since = Date.now();
  }

  #noteDrops(before, after) {
    const earlier = new Map(before.instances.map((row) => [row.instance, row]));
    for (const row of after.instances) {
      const old = earlier.get(row.instance)?.dropped ?? {};
      for (const [reason, total] of Object.entries(row.dropped)) {
        const more = total - (old[reason] ?? 0);
        if (more > 0) this.#noteDrop(row.instance, reason, after.node, more);
      }
    }
  }

  #noteDrop(instance, reason, node, number) {
    const key = `${instance} ${reason}`;
    let drop = this.drops.get(key);
    if (!drop) {
      drop = { instance, reason, count: 0, nodes: new Set(), since: Date.now(), last: 0 };
      this.drops.set(key, drop);
    }
    drop.count += number;
    drop.nodes.add(node);
    drop.last = Date.now();
  }

  /** Forgets what is over. Once in a while. */
  tidy() {
    const now = Date.now();
    for (const [key, drop] of this.drops) if (now - drop.last > DROP_MEMORY_MS) this.drops.delete(key);
    for (const [name, node] of this.#gone) if (now - node.since > FORGET_MS) this.#gone.delete(name);
  }

  /** Works out once what several views ask for: before they are drawn. */
  refresh() {
    const rank = (node) => (node.name === this.viewer ? 0 : 1);
    this.#listed = [...this.nodes.values()].sort((a, b) => rank(a) - rank(b) || COLLATOR.compare(a.name, b.name));
    this.#speaking = this.#listed.filter((node) => node.snapshot && this.isUp(node) && !this.isSilent(node));
    this.#links.clear();
  }

  /** By name, the viewer's first. */
  list() {
    return this.#listed;
  }

  viewerSnapshot() {
    return this.nodes.get(this.viewer)?.snapshot ?? null;
  }

  isSilent(node) {
    return performance.now() - node.heardAt > SILENT_MS;
  }

  isUp(node) {
    return node.state === 'self' || node.state === 'alive';
  }

  /** Those whose figures count: one node, or all that speak. */
  scope(name) {
    return name === null ? this.#speaking : this.#speaking.filter((node) => node.name === name);
  }

  /** How the link between two members is, as both of them say: `up`, `one-way` or `broken`; and its round trip. */
  link(one, other) {
    const key = one.name < other.name ? `${one.name} ${other.name}` : `${other.name} ${one.name}`;
    let link = this.#links.get(key);
    if (!link) {
      link = this.#linkOf(one, other);
      this.#links.set(key, link);
    }
    return link;
  }

  #linkOf(one, other) {
    const ways = [];
    const roundTrips = [];
    let lanes = 0;
    for (const [from, to] of [[one, other], [other, one]]) {
      if (!from.snapshot || this.isSilent(from) || !this.isUp(from)) continue;
      const seen = from.sees.get(to.name);
      ways.push(seen?.in ?? false, seen?.out ?? false);
      const link = from.snapshot.links.find((link) => link.peer === to.name);
      if (!link) continue;
      roundTrips.push(link.round_trip_us);
      lanes = Math.max(lanes, link.lanes.length);
    }
    const isGone = !this.isUp(one) || !this.isUp(other);
    let state = 'broken';
    if (!isGone && ways.length > 0 && ways.every(Boolean)) state = 'up';
    else if (!isGone && ways.some(Boolean)) state = 'one-way';
    else if (!isGone && ways.length === 0) state = 'unknown';
    return { state, lanes, roundTrip: roundTrips.length > 0 ? Math.max(...roundTrips) : null };
  }

  /** Those who see a member in another state than the viewer's node does: `[[name, state]]`. */
  otherViews(node) {
    const views = [];
    for (const observer of this.scope(null)) {
      if (observer.name === this.viewer || observer.name === node.name) continue;
      const own = node.state === 'self' ? 'alive' : node.state;
      // Nodes forget one that is down, and not all at once: who has done so says nothing else of it.
      const seen = observer.sees.get(node.name)?.state ?? (own === 'down' ? 'down' : 'unknown');
      if (seen !== own) views.push([observer.name, seen]);
    }
    return views;
  }

  /** The values of a chart, up to the last second that every node has told of. `instance` null: all. */
  history(nodes, instance, name, into = new Float64Array(LENGTH)) {
    const found = nodes.map((node) => node.series.get(instance ?? ALL)?.[name]).filter(Boolean);
    return sums(found, Math.floor(Date.now() / 1000) - 2, into);
  }
}

/** The rows of an instance on some nodes as one. */
export function addedUp(nodes, instance) {
  const sum = {
    instance, rates: null, dropped: {}, published: 0, delivered: 0, forwarded: 0, received: 0, subscriptions: 0,
    deepest: null, backlogMessages: 0, backlogBytes: 0, backlogLimit: 0, worst: null,
  };
  for (const node of nodes) {
    const row = node.snapshot.instances.find((row) => row.instance === instance);
    if (!row) continue;
    for (const name of RATES) sum[name] += row[name];
    for (const [reason, number] of Object.entries(row.dropped)) sum.dropped[reason] = (sum.dropped[reason] ?? 0) + number;
    sum.subscriptions += row.subscriptions;
    sum.backlogMessages += row.backlog_messages;
    sum.backlogBytes += row.backlog_bytes;
    sum.backlogLimit += row.backlog_limit_messages;
    const fill = row.fullest_queue_percent / 100;
    // Those that are as full, which a percentage does not tell apart: by messages.
    const deeper = sum.deepest && (fill - sum.deepest.fill || row.deepest_queue_messages - sum.deepest.messages) > 0;
    if (!sum.deepest || deeper) {
      sum.deepest = { fill, messages: row.deepest_queue_messages, limit: row.queue_limit_messages, node: node.name };
    }
    if (row.worst && (!sum.worst || row.worst.queue_messages > sum.worst.queue_messages)) {
      sum.worst = { ...row.worst, node: node.name };
    }
    const rates = node.rates.get(instance);
    if (!rates) continue;
    sum.rates ??= { published: 0, delivered: 0, forwarded: 0, received: 0, dropped: 0 };
    for (const name of Object.keys(sum.rates)) sum.rates[name] += rates[name];
  }
  return sum;
}
