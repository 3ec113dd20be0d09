// Server-sent events by fetch, which can show a token in a header. Comes again by itself, says how far it came, and takes
// no more than the page can handle: what it leaves waits in the node, which tells of what it had to drop.

import { Refused, request } from './node.js';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4000;
/** So long other work of the page may have to wait. */
const TURN_MS = 8;
/** A line longer than this is none of a node. */
const MOST_CHARACTERS = 64 * 1024 * 1024;

export class EventStream {
  #path;
  #onEvent;
  #onState;
  #silenceMs;
  #asksIfDenied;
  #abort = new AbortController();
  #lastEventId;

  /**
   * `onEvent(name, data, text)` is told each event with its data, parsed and as text. `onState(state, words, reason)` is told `open`, `lost` (it
   * tries again) and `refused` (it does not). After `silenceMs` without a byte the connection is taken for dead. With
   * `asksIfDenied` somebody is asked for another token before it is refused what it may not receive.
   */
  constructor(path, { onEvent, onState, silenceMs, lastEventId = null, asksIfDenied = false }) {
    this.#path = path;
    this.#onEvent = onEvent;
    this.#onState = onState;
    this.#silenceMs = silenceMs;
    this.#lastEventId = lastEventId;
    this.#asksIfDenied = asksIfDenied;
    // Whoever made it has it in hand before it says anything.
    queueMicrotask(() => this.#run());
  }

  close() {
    this.#abort.abort();
  }

  get isClosed() {
    return this.#abort.signal.aborted;
  }

  /** How far it came; another stream with the same path can go on there. */
  get lastEventId() {
    return this.#lastEventId;
  }

  async #run() {
    let wait = FIRST_WAIT_MS;
    while (!this.#abort.signal.aborted) {
      try {
        await this.#once(() => {
          wait = FIRST_WAIT_MS;
        });
      } catch (err) {
        if (this.#abort.signal.aborted) return;
        if (err instanceof Refused && err.reason === 'bad_token') this.#lastEventId = null;
        else if (err instanceof Refused && err.status < 500 && err.status !== 429) {
          this.#onState('refused', err.message, err.reason);
          return;
        }
      }
      if (this.#abort.signal.aborted) return;
      this.#onState('lost', '');
      // Pages that lost the same node do not come again all at once.
      await sleep(wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  async #once(onOpen) {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    this.#abort.signal.addEventListener('abort', stop);
    let watchdog = setTimeout(stop, this.#silenceMs);
    try {
      const headers = { accept: 'text/event-stream' };
      if (this.#lastEventId) headers['last-event-id'] = this.#lastEventId;
      const response = await request(this.#path, { headers, signal: attempt.signal, asksIfDenied: this.#asksIfDenied });
      clearTimeout(watchdog);
      this.#onState('open', '');
      onOpen();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const lines = new Lines();
      let turn = performance.now();
      for (;;) {
        watchdog = setTimeout(stop, this.#silenceMs);
        const { value, done } = await reader.read();
        clearTimeout(watchdog);
        if (done) return;
        for (const event of lines.events(value)) {
          if (event.id !== null) this.#lastEventId = event.id;
          this.#onEvent(event.name, JSON.parse(event.data), event.data);
          if (performance.now() - turn > TURN_MS) {
            await sleep(0);
            turn = performance.now();
          }
          if (this.#abort.signal.aborted) return;
        }
      }
    } finally {
      clearTimeout(watchdog);
      this.#abort.signal.removeEventListener('abort', stop);
      attempt.abort();
    }
  }
}

/** Lines of a stream, put together to events. */
class Lines {
  #rest = '';
  #event = { name: 'message', data: null, id: null };

  *events(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    if (this.#rest.length > MOST_CHARACTERS) throw new Error('a line is too long');
    for (const line of lines) {
      const event = this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (event) yield event;
    }
  }

  #line(line) {
    const event = this.#event;
    if (line === '') {
      this.#event = { name: 'message', data: null, id: null };
      return event.data === null ? null : event;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') event.name = value;
    else if (field === 'data') event.data = event.data === null ? value : `${event.data}\n${value}`;
    else if (field === 'id') event.id = value;
    return null;
  }
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
