// The members as a table, and the links of one of them.

import { Children, byId, make, setAttribute, setText, tableRow } from './dom.js';
import { bytes, clock, count, duration, plural, rate, roundTrip } from './format.js';

/** How a state is written and drawn. */
const STATES = {
  self: ['●', 'this node'],
  alive: ['●', 'alive'],
  silent: ['▲', 'silent'],
  suspect: ['▲', 'suspect'],
  down: ['✕', 'down'],
  unknown: ['?', 'unknown'],
};
const EDGES = {
  up: ['●', 'linked'],
  'one-way': ['▲', 'one way'],
  broken: ['✕', 'not linked'],
  unknown: ['?', 'not known'],
};

const LABELS = ['State', 'Node', 'Up for', 'Published/s', 'CPU', 'Memory', 'Version', 'Epoch'];
const NUMBERS = ['Up for', 'Published/s', 'CPU', 'Memory', 'Epoch'];

export class Members {
  #rows;
  #links = new Children(byId('links-table').tBodies[0], createLink);

  constructor(onChoose) {
    this.#rows = new Children(byId('members-table').tBodies[0], (item) => createMember(item, onChoose));
  }

  show(mesh, chosen) {
    const members = mesh.list();
    this.#rows.show(members.map((node) => ({ mesh, node, isChosen: node.name === chosen })), ({ node }) => `member ${node.name}`);
    const up = members.filter((node) => mesh.isUp(node)).length;
    setText(byId('members-note'), members.length === 0 ? '' : `${count(up)} of ${count(members.length)} up, as ${mesh.viewer ?? 'this node'} sees them. Choose one to see its figures alone.`);
    const from = mesh.nodes.get(chosen ?? mesh.viewer);
    setText(byId('links-title'), from ? `Links of ${from.name}` : 'Links');
    const others = from ? members.filter((node) => node !== from) : [];
    this.#links.show(others.map((other) => ({ mesh, from, other })), ({ other }) => `link ${other.name}`);
  }
}

function createMember({ node }, onChoose) {
  const { element, cells } = tableRow(LABELS, NUMBERS);
  const [state, name, uptime, published, cpu, memory, version, epoch] = cells;
  const badge = createBadge();
  state.append(badge.element);
  const button = make('button', { type: 'button', class: 'choose' });
  name.append(button);
  setAttribute(element, 'data-node', node.name);
  button.addEventListener('click', () => onChoose(node.name));
  return {
    element,
    update({ mesh, node, isChosen }) {
      const isUp = mesh.isUp(node);
      const isSilent = node.snapshot !== null && mesh.isSilent(node);
      const shown = isUp && isSilent && node.state === 'alive' ? 'silent' : node.state;
      setAttribute(element, 'data-state', shown);
      setAttribute(element, 'aria-selected', isChosen ? 'true' : 'false');
      const since = node.sawChange ? ` since ${clock(node.since)}` : '';
      badge.update(shown, STATES[shown] ?? ['?', shown], since);
      setText(button, node.name);
      setAttribute(button, 'aria-pressed', isChosen ? 'true' : 'false');
      const { snapshot } = node;
      const isFresh = snapshot !== null && isUp && !isSilent;
      let sum = null;
      for (const rates of node.rates.values()) if (rates) sum = (sum ?? 0) + rates.published;
      setText(uptime, isFresh ? duration(snapshot.uptime_ms) : '–');
      setText(published, isFresh && sum !== null ? rate(sum) : '–');
      setText(cpu, isFresh && node.cpu !== null ? `${(node.cpu * 100).toFixed(1)} %` : '–');
      setText(memory, isFresh && snapshot.process?.resident_bytes ? bytes(snapshot.process.resident_bytes) : '–');
      const run = snapshot ?? mesh.nodes.get(mesh.viewer)?.sees.get(node.name);
      setText(version, run?.version ?? '–');
      setText(epoch, run?.epoch ?? '–');
      setAttribute(epoch, 'title', run ? `started at ${clock(run.epoch)}` : null);
    },
  };
}

function createLink() {
  const { element, cells } = tableRow(['Link', 'State', 'Round trip', 'Lanes'], ['Round trip']);
  const [name, state, trip, lanes] = cells;
  const badge = createBadge();
  state.append(badge.element);
  const list = new Children(lanes, createLane);
  return {
    element,
    update({ mesh, from, other }) {
      const link = mesh.link(from, other);
      setText(name, `${from.name} – ${other.name}`);
      badge.update(link.state, EDGES[link.state], '');
      setAttribute(element, 'data-edge', link.state);
      const own = from.snapshot?.links.find((link) => link.peer === other.name);
      const isUp = mesh.isUp(from) && mesh.isUp(other) && !mesh.isSilent(from);
      setText(trip, isUp && own ? roundTrip(own.round_trip_us) : '–');
      const rows = isUp && own ? own.lanes : [];
      list.show(rows.map((lane) => ({ lane, rates: from.lanes.get(`${other.name} ${lane.lane}`) })), ({ lane }) => lane.lane);
    },
  };
}

function createLane() {
  const element = make('span', { class: 'lane' });
  return {
    element,
    update({ lane, rates }) {
      const flow = rates ? ` ${bytes(rates.sent)} out, ${bytes(rates.received)} in` : '';
      setText(element, `${lane.lane}${flow}, ${count(lane.lost_packets)} lost`);
      setAttribute(element, 'title', `window ${bytes(lane.congestion_window_bytes)}, largest packet ${plural(lane.mtu_bytes, 'byte')}`);
    },
  };
}

/** A state by shape, word and colour. */
export function createBadge() {
  const shape = make('i', { 'aria-hidden': 'true' });
  const word = make('span');
  const rest = make('small');
  const element = make('span', { class: 'badge' }, shape, word, rest);
  return {
    element,
    update(state, [glyph, text], since = '') {
      setAttribute(element, 'data-state', state);
      setText(shape, glyph);
      setText(word, text);
      setText(rest, since);
    },
  };
}
