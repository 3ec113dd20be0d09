// The ten instances: rates and totals, what is dropped and why, what waits; of one node or of the whole mesh.

import { Canvas, drawChart, drawSpark } from './chart.js';
import { Children, byId, make, setAttribute, setText, tableRow } from './dom.js';
import { bytes, count, rate } from './format.js';
import { addedUp } from './mesh.js';
import { LENGTH } from './series.js';

const LABELS = ['Instance', '5 minutes', 'Published/s', 'Delivered/s', 'Received/s', 'Forwarded/s', 'Dropped, by reason', 'Longest queue', 'Backlog', 'Worst subscriber'];
const NUMBERS = ['Published/s', 'Delivered/s', 'Received/s', 'Forwarded/s', 'Backlog'];
const RATES = ['published', 'delivered', 'received', 'forwarded'];

const values = { published: new Float64Array(LENGTH), delivered: new Float64Array(LENGTH), dropped: new Float64Array(LENGTH) };

export class Instances {
  #colours = null;
  #chosen = null;
  /** What the charts show: they are drawn again once it is another. */
  #drawn = '';
  #isDrawing = false;
  #rows;
  #chart;
  #redraw;

  constructor(redraw) {
    this.#redraw = redraw;
    this.#chart = new Canvas(byId('chart'), () => this.#onCanvasChange());
    this.#rows = new Children(byId('instances-table').tBodies[0], (row) => this.#createRow(row.sum.instance));
    document.addEventListener('themechange', () => {
      this.#colours = null;
      this.#onCanvasChange();
    });
  }

  show(mesh, scope) {
    this.#colours ??= colours();
    // Values come once a second, and another size makes a canvas blank.
    const drawn = `${Math.floor(Date.now() / 1000)} ${scope} ${this.#chosen}`;
    this.#isDrawing = drawn !== this.#drawn;
    this.#drawn = drawn;
    const nodes = mesh.scope(scope);
    const names = (mesh.viewerSnapshot() ?? nodes[0]?.snapshot)?.instances.map((row) => row.instance) ?? [];
    this.#rows.show(names.map((instance) => ({ mesh, nodes, sum: addedUp(nodes, instance) })), ({ sum }) => sum.instance);
    const of = scope ?? 'the whole mesh';
    setText(byId('instances-note'), nodes.length === 0 ? `${of} says nothing now.` : 'Below each rate, the total since the nodes started. Choose an instance to see its chart.');
    setText(byId('chart-title'), `${this.#chosen ?? 'All instances'}, ${of}`);
    for (const name of Object.keys(values)) {
      if (this.#isDrawing) mesh.history(nodes, this.#chosen, name, values[name]);
      let sum = null;
      for (const node of nodes) {
        for (const [of, rates] of node.rates) if (rates && (this.#chosen === null || of === this.#chosen)) sum = (sum ?? 0) + rates[name];
      }
      setText(byId(`chart-${name}`), sum === null ? '–' : rate(sum));
    }
    if (this.#isDrawing) drawChart(this.#chart, values, this.#colours);
  }

  #onCanvasChange() {
    this.#drawn = '';
    this.#redraw();
  }

  #choose(instance) {
    this.#chosen = this.#chosen === instance ? null : instance;
    this.#redraw();
  }

  #createRow(instance) {
    const { element, cells } = tableRow(LABELS, NUMBERS);
    const [name, spark] = cells;
    const [dropped, queue, backlog, worst] = cells.slice(6);
    setAttribute(element, 'data-instance', instance);
    const button = make('button', { type: 'button', class: 'choose' }, instance);
    button.addEventListener('click', () => this.#choose(instance));
    name.append(button);
    const picture = make('canvas', { class: 'spark', 'aria-hidden': 'true' });
    spark.append(picture);
    const canvas = new Canvas(picture, () => this.#onCanvasChange());
    const figures = cells.slice(2, 6).map((cell) => {
      const [now, total] = [make('span', { class: 'rate' }), make('span', { class: 'total' })];
      cell.append(now, total);
      return [now, total];
    });
    const reasons = new Children(dropped, createReason);
    const meter = make('meter', { min: 0, max: 1, low: 0.5, high: 0.9, optimum: 0 });
    const waiting = make('span');
    queue.append(meter, waiting);
    const [kept, keptBytes] = [make('span', { class: 'rate' }), make('span', { class: 'total' })];
    backlog.append(kept, keptBytes);
    const small = { published: new Float64Array(LENGTH), dropped: new Float64Array(LENGTH) };
    return {
      element,
      update: ({ mesh, nodes, sum }) => {
        const isChosen = this.#chosen === instance;
        setAttribute(element, 'aria-selected', isChosen ? 'true' : 'false');
        setAttribute(button, 'aria-pressed', isChosen ? 'true' : 'false');
        for (const [index, figure] of RATES.entries()) {
          setText(figures[index][0], sum.rates ? rate(sum.rates[figure]) : '–');
          setText(figures[index][1], count(sum[figure]));
        }
        const counted = Object.entries(sum.dropped).filter(([, number]) => number > 0);
        reasons.show(counted.length > 0 ? counted : [[null, 0]], ([reason]) => reason);
        setAttribute(meter, 'value', (sum.deepest?.fill ?? 0).toFixed(3));
        setAttribute(meter, 'aria-label', `longest queue of ${instance}`);
        setText(waiting, sum.deepest ? `${count(sum.deepest.messages)} of ${count(sum.deepest.limit)}${sum.deepest.messages > 0 ? ` on ${sum.deepest.node}` : ''}` : '–');
        setText(kept, count(sum.backlogMessages));
        setText(keptBytes, bytes(sum.backlogBytes));
        setAttribute(backlog, 'title', `room for ${count(sum.backlogLimit)} messages`);
        const of = sum.worst;
        setText(worst, of ? `${of.patterns.join(' ')} on ${of.node}: ${count(of.queue_messages)} wait` : 'nobody waits');
        setAttribute(worst, 'data-quiet', of === null);
        if (!this.#isDrawing) return;
        for (const name of Object.keys(small)) mesh.history(nodes, instance, name, small[name]);
        drawSpark(canvas, small, this.#colours);
      },
    };
  }
}

function createReason() {
  const element = make('span', { class: 'reason' });
  return {
    element,
    update([reason, number]) {
      setText(element, reason === null ? 'none' : `${reason} ${count(number)}`);
      setAttribute(element, 'data-quiet', reason === null);
    },
  };
}

function colours() {
  const of = (name) => getComputedStyle(document.querySelector(`.swatch[data-series=${name}]`)).color;
  const note = getComputedStyle(byId('instances-note'));
  return {
    published: of('published'), delivered: of('delivered'), dropped: of('dropped'), muted: note.color,
    line: getComputedStyle(byId('instances')).borderTopColor, font: note.fontFamily,
  };
}
