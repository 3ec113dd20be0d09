// The live tail: messages as they come, the newest first. Keeps a bounded number, and draws only the rows that can be seen.

import { Children, byId, make, setAttribute, setHidden, setText } from './dom.js';
import { EventStream } from './event_stream.js';
import { count, exactClock, rate } from './format.js';
import { ALL, PRIVATE, SIGNALS, withoutPrivate } from './instance_names.js';
import { MessageDetail, readMessage } from './message.js';

/** Messages kept, and their characters; the oldest go. */
const MOST_KEPT = 500;
const MOST_CHARACTERS = 8 * 1024 * 1024;
/** Taken from what the nodes still keep when the tail begins. */
const BEGIN_WITH = 50;
/** The node answers within 7 s, and says something every 15 s. */
const SILENCE_MS = 40_000;
/** A page that nobody sees lets its stream go after so long. */
const HIDDEN_MS = 30_000;
const PREVIEW_CHARACTERS = 240;
/** Rows drawn above and below those that can be seen. */
const SPARE_ROWS = 6;

/** What the page itself asks the nodes to say. */
const SNAPSHOTS = '$bw:snapshot:';

export class Tail {
  #invalidate;
  #redraw;
  #gaps;
  #stream = null;
  #kept = [];
  #characters = 0;
  #number = 0;
  #frozen = null;
  #chosen = null;
  #live = null;
  #state = 'lost';
  #counted = { since: performance.now(), number: 0, perSecond: 0 };
  #list = byId('tail-rows');
  #spacer = byId('tail-spacer');
  #origin = byId('tail-origin');
  #rows;
  #detail;
  #hiding = null;
  #isWithoutPrivate = false;
  #frame = 0;
  /** Where the list is scrolled to, its height and that of a row: to ask for them while drawing would cost a layout. */
  #top = 0;
  #height = 0;
  #rowHeight = 28;
  /** Rows that came above those that are read. */
  #pushed = 0;

  constructor({ invalidate, redraw, gaps }) {
    this.#invalidate = invalidate;
    this.#redraw = redraw;
    this.#gaps = gaps;
    this.#rows = new Children(this.#spacer, () => createRow((message) => this.#open(message)));
    this.#detail = new MessageDetail({
      kept: () => this.#kept,
      onChoose: (message) => this.#open(message),
      onClose: () => {
        this.#list.focus();
        this.#redraw();
      },
    });
    this.#prepareTools();
    new ResizeObserver(() => this.#onResize()).observe(this.#list);
    this.#listen();
  }

  #prepareTools() {
    const instance = byId('tail-instance');
    instance.append(make('option', { value: 'signals' }, 'the quiet ones'), make('option', { value: 'all' }, 'all ten'), ...ALL.map((name) => make('option', { value: name }, name)));
    setAttribute(instance, 'title', `The quiet ones: ${SIGNALS.join(', ')}. What is chosen comes to this node from all others.`);
    this.#origin.append(make('option', { value: '' }, 'any node'));
    instance.addEventListener('change', () => this.restart());
    byId('tail-pattern').addEventListener('change', () => this.restart());
    byId('tail-form').addEventListener('submit', (event) => event.preventDefault());
    this.#origin.addEventListener('change', () => this.#redraw());
    byId('tail-pause').addEventListener('click', () => this.togglePause());
    byId('tail-clear').addEventListener('click', () => this.#clear());
    this.#list.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    this.#list.addEventListener('keydown', (event) => this.#onKey(event));
    document.addEventListener('visibilitychange', () => this.#onVisibility());
    // With another token it may receive more.
    document.addEventListener('tokenchange', () => {
      if (this.#state === 'refused' || this.#isWithoutPrivate) this.restart();
    });
  }

  /** Listens to what is chosen now, from the beginning. */
  restart() {
    this.#stream?.close();
    this.#isWithoutPrivate = false;
    this.#clear();
    this.#listen();
  }

  #listen(lastEventId = null) {
    const chosen = byId('tail-instance').value;
    const group = { all: ALL, signals: SIGNALS }[chosen];
    const instances = group && this.#isWithoutPrivate ? withoutPrivate(group) : (group ?? [chosen]);
    const pattern = byId('tail-pattern').value.trim() || '*';
    const query = instances.map((instance) => `pattern=${encodeURIComponent(`${instance}/${pattern}`)}`).join('&');
    const showsSnapshots = pattern.startsWith('$');
    setHidden(byId('tail-error'), true);
    this.#live = null;
    const stream = new EventStream(`v1/subscribe?${query}&from=last:${BEGIN_WITH}&format=sse`, {
      silenceMs: SILENCE_MS,
      lastEventId,
      onState: (state, words, reason) => {
        if (stream !== this.#stream) return;
        if (group && reason === 'denied' && !this.#isWithoutPrivate) {
          this.#isWithoutPrivate = true;
          this.#listen();
          return;
        }
        this.#state = state;
        setText(byId('tail-error'), words);
        setHidden(byId('tail-error'), words === '');
        this.#invalidate();
      },
      onEvent: (name, data, text) => {
        if (stream !== this.#stream) return;
        if (name === 'message' && (showsSnapshots || !data.topic.startsWith(SNAPSHOTS))) this.#keep(readMessage(data, text), text.length);
        else if (name === 'gap') this.#gaps.addGap(data.gap);
        else if (name === 'epoch_ended') this.#gaps.addEpochEnded(data.epoch_ended);
        else if (name === 'subscribed') this.#live = data.subscribed;
        this.#invalidate();
      },
    });
    this.#stream = stream;
  }

  #keep(message, characters) {
    this.#number += 1;
    message.number = this.#number;
    message.characters = characters;
    this.#kept.push(message);
    this.#characters += characters;
    this.#counted.number += 1;
    while (this.#kept.length > MOST_KEPT || (this.#characters > MOST_CHARACTERS && this.#kept.length > 1)) {
      this.#characters -= this.#kept.shift().characters;
    }
    // Who reads further below goes on reading there.
    if (this.#frozen === null && this.#top > 0 && this.#isWanted(message)) this.#pushed += 1;
  }

  #clear() {
    this.#kept = [];
    this.#characters = 0;
    if (this.#frozen) this.#frozen = [];
    this.#invalidate();
  }

  togglePause() {
    this.#frozen = this.#frozen ? null : [...this.#kept];
    this.#redraw();
  }

  focusFilter() {
    byId('tail-pattern').focus();
    byId('tail-pattern').select();
  }

  closeDetail() {
    this.#detail.close();
  }

  #isWanted(message) {
    return this.#origin.value === '' || message.originating_node === this.#origin.value;
  }

  /** The newest first. */
  #wanted() {
    return (this.#frozen ?? this.#kept).filter((message) => this.#isWanted(message)).reverse();
  }

  #open(message) {
    this.#chosen = message.number ?? null;
    this.#detail.open(message);
    this.#redraw();
  }

  #onKey(event) {
    if (event.target !== this.#list || event.ctrlKey || event.metaKey || event.altKey) return;
    const wanted = this.#wanted();
    const now = wanted.findIndex((message) => message.number === this.#chosen);
    const page = Math.max(1, Math.floor(this.#height / this.#rowHeight) - 1);
    const moves = { ArrowDown: now + 1, ArrowUp: Math.max(now - 1, 0), PageDown: now + page, PageUp: now - page, Home: 0, End: wanted.length - 1 };
    if (event.key === 'Enter' && now >= 0) {
      this.#open(wanted[now]);
    } else if (event.key in moves && wanted.length > 0) {
      const next = Math.max(0, Math.min(moves[event.key], wanted.length - 1));
      this.#chosen = wanted[next].number;
      this.#reveal(next);
      if (this.#detail.isOpen) this.#detail.open(wanted[next]);
      this.#redraw();
    } else {
      return;
    }
    event.preventDefault();
  }

  #reveal(index) {
    const top = index * this.#rowHeight;
    const below = top + this.#rowHeight - this.#height;
    if (top < this.#top) this.#scrollTo(top);
    else if (below > this.#top) this.#scrollTo(below);
  }

  #scrollTo(top) {
    this.#list.scrollTop = top;
    // Where that is too far, the event of the scroll says where it is; to ask now would cost a layout.
    this.#top = top;
  }

  #onResize() {
    this.#height = this.#list.clientHeight;
    this.#rowHeight = Number.parseFloat(getComputedStyle(this.#list).getPropertyValue('--row')) || this.#rowHeight;
    this.#redraw();
  }

  /** Rows that come into sight are drawn at once, and nothing else. */
  #onScroll() {
    this.#top = this.#list.scrollTop;
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#showRows());
  }

  #onVisibility() {
    clearTimeout(this.#hiding);
    if (document.hidden) {
      this.#hiding = setTimeout(() => this.#stream.close(), HIDDEN_MS);
    } else if (this.#stream.isClosed) {
      this.#listen(this.#stream.lastEventId);
    }
  }

  show(mesh) {
    this.#showOrigins(mesh.list().map((node) => node.name));
    this.#showNote();
    this.#showRows();
  }

  #showRows() {
    const height = this.#rowHeight;
    const wanted = this.#wanted();
    const spacerHeight = `${wanted.length * height}px`;
    if (this.#spacer.style.height !== spacerHeight) this.#spacer.style.height = spacerHeight;
    if (this.#pushed > 0) {
      this.#scrollTo(this.#top + this.#pushed * height);
      this.#pushed = 0;
    }
    const first = Math.max(0, Math.floor(this.#top / height) - SPARE_ROWS);
    const last = Math.ceil((this.#top + this.#height) / height) + SPARE_ROWS;
    const seen = wanted.slice(first, last).map((message, index) => ({ message, top: (first + index) * height, place: first + index + 1, size: wanted.length, isChosen: message.number === this.#chosen }));
    this.#rows.show(seen, ({ message }) => message.number);
    setAttribute(this.#list, 'aria-activedescendant', seen.some((row) => row.isChosen) ? `message-${this.#chosen}` : null);
    setAttribute(this.#list, 'data-empty', wanted.length === 0 ? (this.#state === 'open' ? 'Nothing yet. What is published from now on appears here.' : 'Not listening.') : null);
  }

  /** The nodes of the mesh, and those that messages here name besides. */
  #showOrigins(names) {
    const wanted = [...new Set([...names, ...this.#kept.map((message) => message.originating_node)])].slice(0, 200);
    const shown = [...this.#origin.options].slice(1).map((option) => option.value);
    const missing = wanted.filter((name) => !shown.includes(name));
    if (missing.length === 0) return;
    if (shown.length > 400) for (const option of [...this.#origin.options].slice(1)) if (!option.selected) option.remove();
    this.#origin.append(...missing.map((name) => make('option', { value: name }, name)));
  }

  #showNote() {
    const now = performance.now();
    const counted = this.#counted;
    if (now - counted.since > 1000) {
      counted.perSecond = counted.number / ((now - counted.since) / 1000);
      counted.since = now;
      counted.number = 0;
    }
    const pause = byId('tail-pause');
    setAttribute(pause, 'aria-pressed', this.#frozen ? 'true' : 'false');
    setText(pause, this.#frozen ? 'Go on' : 'Pause');
    const where = this.#live ? `listening on ${count(this.#live.live)} of ${count(this.#live.nodes)} nodes` : 'beginning to listen';
    const state = { open: where, lost: 'not connected, trying again', refused: 'refused by the node' }[this.#state];
    const without = this.#isWithoutPrivate ? ` Without ${PRIVATE.join(' and ')}, which you may not receive.` : '';
    const newer = this.#frozen ? `Paused; ${count(this.#kept.filter((message) => message.number > (this.#frozen.at(-1)?.number ?? 0)).length)} newer. ` : '';
    setText(byId('tail-note'), `${newer}${state[0].toUpperCase()}${state.slice(1)}, ${rate(counted.perSecond)} messages per second, ${count(this.#kept.length)} kept.${without}`);
  }
}

function createRow(onOpen) {
  const cells = ['time', 'instance', 'topic', 'event', 'origin', 'payload'].map((name) => make('span', { class: name }));
  const element = make('div', { class: 'row', role: 'option' }, ...cells);
  let shown = null;
  element.addEventListener('click', () => onOpen(shown));
  return {
    element,
    update({ message, top, place, size, isChosen }) {
      const transform = `translateY(${top}px)`;
      if (element.style.transform !== transform) element.style.transform = transform;
      setAttribute(element, 'aria-selected', isChosen ? 'true' : 'false');
      setAttribute(element, 'aria-posinset', place);
      setAttribute(element, 'aria-setsize', size);
      if (shown === message) return;
      shown = message;
      setAttribute(element, 'id', `message-${message.number}`);
      const texts = [exactClock(message.timestamp), message.instance, message.topic, message.event, message.originating_node, message.payloadText.slice(0, PREVIEW_CHARACTERS)];
      for (const [index, text] of texts.entries()) setText(cells[index], text);
    },
  };
}
