// Puts the page together: what comes from the node goes into the mesh, and the views show it, at most a few times a second.

import { Alerts } from './alerts.js';
import { Children, byId, make, setAttribute, setHidden, setText } from './dom.js';
import { EventStream } from './event_stream.js';
import { findings } from './findings.js';
import { clock, count, duration, plural, rate } from './format.js';
import { Gaps } from './gaps.js';
import { Instances } from './instances.js';
import { listenToKeys } from './keys.js';
import { Members } from './members.js';
import { Mesh, addedUp } from './mesh.js';
import { getJson } from './node.js';
import { Subscriptions } from './subscriptions.js';
import { Tail } from './tail.js';
import { Topology } from './topology.js';

/** Between two drawings. */
const DRAW_MS = 250;
/** Alerts and subscriptions are asked for this often. */
const ASK_MS = 5000;
const TICK_MS = 1000;
/** Snapshots come once a second. */
const SILENCE_MS = 10_000;

/** Until then the page has not heard from everybody. */
const OPENING_MS = 5000;

const LEVELS = { bad: '✕', warn: '▲', note: '●' };

const started = Date.now();
const mesh = new Mesh();
/** When each finding was seen first, by its id. */
const beginnings = new Map();
const connection = { state: 'connecting', since: Date.now(), words: '' };
let scope = null;
let isDue = false;
let frame = 0;
let openAlerts = null;

const gaps = new Gaps();
const alerts = new Alerts(invalidate);
const subscriptions = new Subscriptions(invalidate);
const members = new Members(choose);
const topology = new Topology(choose);
const instances = new Instances(redraw);
const tail = new Tail({ invalidate, redraw, gaps });
const found = new Children(byId('findings'), createFinding);
const figures = createFigures();

byId('scope').addEventListener('change', (event) => choose(event.target.value || null));
listenToKeys(tail);

new EventStream('v1/mesh?format=sse', {
  silenceMs: SILENCE_MS,
  // Who may not look sees next to nothing here.
  asksIfDenied: true,
  onState(state, words) {
    if (connection.state !== state) Object.assign(connection, { since: Date.now() });
    Object.assign(connection, { state, words });
    if (state === 'open') ask();
    invalidate();
  },
  onEvent(name, data) {
    if (name !== 'snapshot') return;
    mesh.hear(data);
    if (data.node === mesh.viewer && data.open_alerts !== openAlerts) {
      openAlerts = data.open_alerts;
      alerts.load();
    }
    invalidate();
  },
});

setInterval(ask, ASK_MS);
setInterval(tick, TICK_MS);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) ask();
  invalidate();
});
invalidate();

/** What is not told but has to be asked for. */
async function ask() {
  if (document.hidden || connection.state !== 'open') return;
  alerts.load();
  subscriptions.load();
  try {
    mesh.setMembers(await getJson('v1/members'));
  } catch {
    // The stream says that the node is gone, and the next answer is as good.
  }
  invalidate();
}

function tick() {
  mesh.tidy();
  // Nothing is drawn in a tab that is not shown; its title still tells.
  if (document.hidden) {
    mesh.refresh();
    showVerdict();
  } else {
    invalidate();
  }
}

/** Chooses a node, or no longer. */
function choose(name) {
  scope = name === scope ? null : name;
  redraw();
}

function invalidate() {
  if (isDue) return;
  isDue = true;
  setTimeout(redraw, DRAW_MS);
}

/** For what somebody did, who should not have to wait. */
function redraw() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(draw);
}

/** In two frames, so that neither is long: first what is looked at first. */
function draw() {
  isDue = false;
  mesh.refresh();
  if (scope !== null && !mesh.nodes.has(scope)) scope = null;
  showVerdict();
  showFigures();
  showScope();
  members.show(mesh, scope);
  topology.show(mesh, scope);
  frame = requestAnimationFrame(drawRest);
}

function drawRest() {
  alerts.show();
  instances.show(mesh, scope);
  tail.show(mesh);
  gaps.show();
  subscriptions.show(mesh.viewer);
}

function showVerdict() {
  const isLost = connection.state !== 'open';
  const all = findings(mesh, { alerts: alerts.known, unhealthy: subscriptions.unhealthy, breakers: subscriptions.breakers });
  const viewer = mesh.viewer ?? 'the node';
  if (isLost && connection.state !== 'connecting') {
    const words = connection.state === 'refused' ? `${viewer} refuses: ${connection.words}` : `This page has lost ${viewer}, and tries again. What it shows is old.`;
    all.unshift({ id: 'connection', level: 'bad', words, since: connection.since, section: 'overview' });
  }
  const worst = all[0]?.level ?? (mesh.viewerSnapshot() ? 'good' : 'none');
  const wrong = all.filter((finding) => finding.level !== 'note').length;
  let words = 'Listening to the mesh…';
  if (wrong > 0) words = wrong === 1 ? 'One thing is wrong' : `${count(wrong)} things are wrong`;
  else if (mesh.viewerSnapshot()) words = 'All is well';
  noteBeginnings(all);
  setText(byId('verdict-words'), words);
  setAttribute(byId('verdict'), 'data-level', worst === 'note' ? 'good' : worst);
  found.show(all, (finding) => finding.id);
  setAttribute(document.documentElement, 'data-stale', isLost);
  const title = `${wrong > 0 ? `(${wrong}) ` : ''}${mesh.viewer ? `${mesh.viewer} – ` : ''}Bellwether`;
  if (document.title !== title) document.title = title;
  const status = { connecting: 'connecting…', open: `live from ${viewer}`, lost: `lost ${viewer} at ${clock(connection.since)}`, refused: 'refused' }[connection.state];
  setText(byId('connection'), status);
  setAttribute(byId('connection'), 'data-state', connection.state);
  const speaking = mesh.scope(null);
  const versions = [...new Set(speaking.map((node) => node.snapshot.version))].join(', ');
  const signed = speaking.every((node) => node.snapshot.signed) ? 'signed' : 'not signed';
  setText(byId('verdict-facts'), speaking.length === 0 ? '' : `${plural(mesh.nodes.size, 'member')}, version ${versions}, messages are ${signed}, this page listens since ${clock(started)}.`);
}

/** Of what does not say itself when it began, the page knows when it saw it first. */
function noteBeginnings(all) {
  const before = new Map(beginnings);
  beginnings.clear();
  for (const { id } of all) beginnings.set(id, before.get(id) ?? Date.now());
}

function sinceWords({ id, since }) {
  const from = since ?? beginnings.get(id);
  if (since === null && from - started < OPENING_MS) return `since before ${clock(started)}, when this page was opened`;
  return `since ${clock(from)}, for ${duration(Date.now() - from)}`;
}

function createFinding() {
  const shape = make('i', { 'aria-hidden': 'true' });
  const link = make('a');
  const since = make('small', { class: 'muted' });
  const element = make('li', {}, shape, link, since);
  return {
    element,
    update(finding) {
      setAttribute(element, 'data-level', finding.level);
      setText(shape, LEVELS[finding.level]);
      setText(link, finding.words);
      setAttribute(link, 'href', `#${finding.section}`);
      setText(since, sinceWords(finding));
    },
  };
}

function createFigures() {
  const names = { up: 'Members up', published: 'Published/s', delivered: 'Delivered/s', dropped: 'Dropped/s', queue: 'Fullest queue', alerts: 'Open alerts' };
  return Object.fromEntries(Object.entries(names).map(([key, name]) => {
    const value = make('dd', { 'data-figure': key }, '–');
    byId('figures').append(make('div', {}, make('dt', {}, name), value));
    return [key, value];
  }));
}

function showFigures() {
  const nodes = mesh.scope(null);
  const all = mesh.list();
  const up = all.filter((node) => mesh.isUp(node)).length;
  setText(figures.up, all.length === 0 ? '–' : `${count(up)} of ${count(all.length)}`);
  setAttribute(figures.up, 'data-level', up < all.length ? 'bad' : null);
  let rates = null;
  let fullest = 0;
  for (const { instance } of nodes[0]?.snapshot.instances ?? []) {
    const sum = addedUp(nodes, instance);
    fullest = Math.max(fullest, sum.deepest?.fill ?? 0);
    if (!sum.rates) continue;
    rates ??= { published: 0, delivered: 0, dropped: 0 };
    for (const name of Object.keys(rates)) rates[name] += sum.rates[name];
  }
  for (const name of ['published', 'delivered', 'dropped']) setText(figures[name], rates ? rate(rates[name]) : '–');
  setAttribute(figures.dropped, 'data-level', rates?.dropped > 0 ? 'warn' : null);
  setText(figures.queue, nodes.length === 0 ? '–' : `${Math.ceil(fullest * 100)} %`);
  setAttribute(figures.queue, 'data-level', fullest >= 0.5 ? 'warn' : null);
  const open = alerts.known.filter((alert) => alert.state === 'open').length;
  setText(figures.alerts, count(open));
  setAttribute(figures.alerts, 'data-level', open > 0 ? 'warn' : null);
}

function showScope() {
  const select = byId('scope');
  const wanted = ['', ...mesh.list().map((node) => node.name)];
  const shown = [...select.options].map((option) => option.value);
  if (wanted.join('\n') !== shown.join('\n')) {
    select.replaceChildren(...wanted.map((name) => make('option', { value: name }, name || 'the whole mesh')));
  }
  if (select.value !== (scope ?? '')) select.value = scope ?? '';
  setHidden(byId('links-title'), mesh.nodes.size < 2);
  setHidden(byId('links-table'), mesh.nodes.size < 2);
}
