// The members in a circle and the links between them. For those who do not see it, and on narrow screens, the tables beside it
// say the same.

import { Children, byId, makeSvg, setAttribute, setText } from './dom.js';
import { roundTrip } from './format.js';

const SIZE = 440;
/** Above the highest member and below the lowest, for their names. */
const AROUND = 44;
/** Up to so many members every link has its round trip on it. Of more, those of one member stand beside the names of the others. */
const MOST_LABELLED = 4;

export class Topology {
  #svg = byId('topology');
  #edges;
  #labels;
  #nodes;

  constructor(onChoose) {
    const layers = ['edges', 'nodes', 'labels'].map((name) => makeSvg('g', { class: name }));
    this.#svg.append(...layers);
    this.#edges = new Children(layers[0], createEdge);
    this.#nodes = new Children(layers[1], (node) => createNode(node, onChoose));
    this.#labels = new Children(layers[2], createLabel);
  }

  show(mesh, chosen) {
    const members = mesh.list();
    const places = circle(members);
    // Three members need less room below than above the middle.
    const heights = [...places.values()].map(({ y }) => y);
    const top = Math.min(SIZE / 2, ...heights) - AROUND;
    setAttribute(this.#svg, 'viewBox', `0 ${top.toFixed(1)} ${SIZE} ${(Math.max(SIZE / 2, ...heights) + AROUND - top).toFixed(1)}`);
    const centre = chosen ?? (members.length > MOST_LABELLED ? mesh.viewer : null);
    const isCrowded = members.length > MOST_LABELLED;
    const edges = [];
    const trips = new Map();
    for (const [index, one] of members.entries()) {
      for (const other of members.slice(index + 1)) {
        const link = mesh.link(one, other);
        const touches = centre === one.name || centre === other.name;
        const trip = link.state === 'up' && link.roundTrip !== null && (centre === null || touches) ? roundTrip(link.roundTrip) : null;
        if (isCrowded && trip !== null) trips.set(centre === one.name ? other.name : one.name, trip);
        // That nobody is linked with one who is down goes without saying.
        const isExpected = link.state === 'up' || !mesh.isUp(one) || !mesh.isUp(other);
        edges.push({
          key: `${one.name} ${other.name}`, link, from: places.get(one.name), to: places.get(other.name), label: isCrowded ? null : trip,
          isFaint: isExpected && (centre === null ? isCrowded : !touches),
        });
      }
    }
    this.#edges.show(edges, (edge) => edge.key);
    this.#labels.show(edges.filter((edge) => edge.label !== null), (edge) => edge.key);
    const shown = members.map((node) => ({
      node, place: places.get(node.name), trip: trips.get(node.name) ?? null, isChosen: node.name === chosen, isSilent: mesh.isSilent(node),
      radius: members.length > 10 ? 11 : 16,
    }));
    this.#nodes.show(shown, ({ node }) => node.name);
    const up = members.filter((node) => mesh.isUp(node)).length;
    const whole = edges.filter((edge) => edge.link.state === 'up').length;
    setAttribute(this.#svg, 'aria-label', `${up} of ${members.length} members are up, ${whole} of ${edges.length} links are up both ways; the tables have them one by one.`);
  }
}

/** Places by name: the viewer's node on top (of two, on the left), the others clockwise. */
function circle(members) {
  const middle = SIZE / 2;
  const radius = members.length === 1 ? 0 : middle - (members.length > MOST_LABELLED ? 88 : 64);
  return new Map(members.map(({ name }, index) => {
    const angle = (index / members.length) * 2 * Math.PI - (members.length === 2 ? Math.PI : Math.PI / 2);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return [name, { x: middle + radius * cos, y: middle + radius * sin, cos, sin }];
  }));
}

function createEdge() {
  const element = makeSvg('line', { class: 'edge' });
  return {
    element,
    update({ link, from, to, isFaint }) {
      setAttribute(element, 'data-edge', link.state);
      setAttribute(element, 'data-lanes', link.lanes);
      setAttribute(element, 'data-faint', isFaint);
      for (const [name, value] of [['x1', from.x], ['y1', from.y], ['x2', to.x], ['y2', to.y]]) setAttribute(element, name, value.toFixed(1));
    },
  };
}

function createLabel() {
  const element = makeSvg('text', { class: 'round-trip', 'text-anchor': 'middle', 'dominant-baseline': 'central' });
  return {
    element,
    update({ from, to, label }) {
      setAttribute(element, 'x', ((from.x + to.x) / 2).toFixed(1));
      setAttribute(element, 'y', ((from.y + to.y) / 2).toFixed(1));
      setText(element, label);
    },
  };
}

/** A circle is up, a triangle suspect, a square down, whatever their colours. */
function createNode({ node }, onChoose) {
  const shape = makeSvg('path', { class: 'shape' });
  const mark = makeSvg('path', { class: 'stroke' });
  const [name, tripText] = [makeSvg('tspan'), makeSvg('tspan', { class: 'trip', dx: 5 })];
  const label = makeSvg('text', { class: 'name', 'dominant-baseline': 'central' }, name, tripText);
  const element = makeSvg('g', { class: 'node' }, shape, mark, label);
  element.addEventListener('click', () => onChoose(node.name));
  return {
    element,
    update({ node, place, trip, isChosen, isSilent, radius }) {
      const state = node.state === 'alive' && node.snapshot && isSilent ? 'silent' : node.state;
      setAttribute(element, 'data-state', state);
      setAttribute(element, 'data-chosen', isChosen);
      setAttribute(element, 'transform', `translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})`);
      setAttribute(shape, 'd', outline(state, radius));
      const arm = radius * 0.45;
      setAttribute(mark, 'd', state === 'down' ? `M${-arm} ${-arm}L${arm} ${arm}M${-arm} ${arm}L${arm} ${-arm}` : state === 'self' ? `M${-arm} 0a${arm} ${arm} 0 1 0 ${2 * arm} 0a${arm} ${arm} 0 1 0 ${-2 * arm} 0` : 'M0 0');
      const distance = radius + 9;
      const side = Math.abs(place.cos) < 0.3 ? 'middle' : place.cos > 0 ? 'start' : 'end';
      setAttribute(label, 'text-anchor', side);
      setAttribute(label, 'x', (side === 'middle' ? 0 : Math.sign(place.cos) * distance).toFixed(1));
      setAttribute(label, 'y', (side === 'middle' ? (Math.sign(place.sin) || 1) * (distance + 4) : place.sin * 6).toFixed(1));
      setText(name, node.name.length > 16 ? `${node.name.slice(0, 15)}…` : node.name);
      setText(tripText, trip ?? '');
    },
  };
}

function outline(state, radius) {
  if (state === 'down') return `M${-radius} ${-radius}h${2 * radius}v${2 * radius}h${-2 * radius}z`;
  if (state === 'suspect' || state === 'silent') return `M0 ${-radius * 1.2}L${radius * 1.2} ${radius * 0.9}H${-radius * 1.2}z`;
  return `M${-radius} 0a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
}
