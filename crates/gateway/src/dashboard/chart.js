// Charts of the last five minutes on a canvas: a small one without axes, and a large one with them. Colours are those of
// the elements of the legend, so that they follow the theme.

import { rate } from './format.js';
import { LENGTH } from './series.js';

const MARGIN = { top: 10, right: 8, bottom: 20, left: 48 };
/** A mesh that is idle has a flat line, and no noise blown up to a mountain. */
const LEAST_MAX = 1;
/** Less has no room for every minute. */
const NARROW = 480;

/** A canvas that knows its size without asking the layout each time. */
export class Canvas {
  #element;
  #context;
  #width = 0;
  #height = 0;

  constructor(element, onResize) {
    this.#element = element;
    this.#context = element.getContext('2d');
    new ResizeObserver(([entry]) => {
      this.#width = entry.contentRect.width;
      this.#height = entry.contentRect.height;
      onResize();
    }).observe(element);
  }

  /** Ready to draw on, in CSS pixels; `null` while it is not shown. */
  begin() {
    const [width, height] = [this.#width, this.#height];
    if (width === 0 || height === 0) return null;
    const scale = window.devicePixelRatio || 1;
    if (this.#element.width !== Math.round(width * scale) || this.#element.height !== Math.round(height * scale)) {
      this.#element.width = Math.round(width * scale);
      this.#element.height = Math.round(height * scale);
    }
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    return { context: this.#context, width, height };
  }
}

/** An area and its last value as a dot; drops as ticks on the ground. */
export function drawSpark(canvas, { published, dropped }, colours) {
  const drawing = canvas.begin();
  if (!drawing) return;
  const { context, width, height } = drawing;
  const place = plane(2, 3, width - 6, height - 6, highest([published]));
  context.fillStyle = colours.line;
  context.fillRect(2, height - 3, width - 6, 1);
  area(context, published, place, colours.published);
  line(context, published, place, colours.published, 1.25);
  ticks(context, dropped, place, colours.dropped, 5);
  const last = lastKnown(published);
  if (last === null) return;
  context.fillStyle = colours.published;
  context.beginPath();
  context.arc(place.x(last), place.y(published[last]), 2.25, 0, 2 * Math.PI);
  context.fill();
}

/** Published as an area, delivered as a dashed line, dropped as ticks, with axes. */
export function drawChart(canvas, { published, delivered, dropped }, colours) {
  const drawing = canvas.begin();
  if (!drawing) return;
  const { context, width, height } = drawing;
  const max = niceMax(highest([published, delivered]));
  const place = plane(MARGIN.left, MARGIN.top, width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom, max);
  context.font = `12px ${colours.font}`;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  for (const share of [0, 0.5, 1]) {
    const y = Math.round(place.y(max * share)) + 0.5;
    context.fillStyle = colours.line;
    context.fillRect(MARGIN.left, y - 0.5, width - MARGIN.left - MARGIN.right, 1);
    context.fillStyle = colours.muted;
    context.fillText(rate(max * share), MARGIN.left - 6, y);
  }
  context.textBaseline = 'alphabetic';
  for (let minute = 0; minute <= 5; minute += width < NARROW ? 5 : 1) {
    const x = place.x(LENGTH - 1 - minute * 60);
    context.textAlign = minute === 0 ? 'right' : minute === 5 ? 'left' : 'center';
    context.fillText(minute === 0 ? 'now' : `−${minute} min`, minute === 5 ? MARGIN.left : x, height - 5);
  }
  area(context, published, place, colours.published);
  line(context, published, place, colours.published, 1.75);
  context.setLineDash([5, 3]);
  line(context, delivered, place, colours.delivered, 1.5);
  context.setLineDash([]);
  ticks(context, dropped, place, colours.dropped, 10);
}

function plane(left, top, width, height, max) {
  return {
    x: (index) => left + (Math.max(index, 0) / (LENGTH - 1)) * width,
    y: (value) => top + height - (value / max) * height,
    ground: top + height,
  };
}

function highest(lists) {
  let max = LEAST_MAX;
  for (const values of lists) for (const value of values) if (value > max) max = value;
  return max;
}

/** 1, 2 or 5 with zeros, so that half of it is a round number, too. */
function niceMax(max) {
  const power = 10 ** Math.floor(Math.log10(max));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((nice) => nice >= max * 0.999) ?? 10 * power;
}

function lastKnown(values) {
  for (let index = values.length - 1; index >= 0; index -= 1) if (!Number.isNaN(values[index])) return index;
  return null;
}

/** Calls `draw(from, to)` for each stretch without a hole. */
function stretches(values, draw) {
  let start = -1;
  for (let index = 0; index <= values.length; index += 1) {
    const isKnown = index < values.length && !Number.isNaN(values[index]);
    if (isKnown && start < 0) start = index;
    if (!isKnown && start >= 0) {
      draw(start, index - 1);
      start = -1;
    }
  }
}

function area(context, values, place, colour) {
  context.fillStyle = colour;
  context.globalAlpha = 0.18;
  stretches(values, (from, to) => {
    context.beginPath();
    context.moveTo(place.x(from), place.ground);
    for (let index = from; index <= to; index += 1) context.lineTo(place.x(index), place.y(values[index]));
    context.lineTo(place.x(to), place.ground);
    context.fill();
  });
  context.globalAlpha = 1;
}

function line(context, values, place, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = 'round';
  stretches(values, (from, to) => {
    context.beginPath();
    for (let index = from; index <= to; index += 1) context.lineTo(place.x(index), place.y(values[index]));
    context.stroke();
  });
}

function ticks(context, values, place, colour, height) {
  context.fillStyle = colour;
  for (let index = 0; index < values.length; index += 1) {
    if (values[index] > 0) context.fillRect(place.x(index) - 1, place.ground - height, 2, height);
  }
}
