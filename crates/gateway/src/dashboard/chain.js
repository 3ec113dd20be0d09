// The messages that belong together: of one correlation, or causes and effects of one another.

import { EventStream } from './event_stream.js';

/** Of each instance and node, so many of the last messages are looked through. */
const LOOK_LAST = 1000;
const LOOK_MESSAGES = 50_000;
const LOOK_MS = 10_000;
/** Characters of messages kept until it is known which of them belong. */
const LOOK_CHARACTERS = 16 * 1024 * 1024;

/** Those of `messages` that belong to `message`, it among them, by their ids, whatever their order. */
function related(message, messages) {
  const known = new Map(messages.map((one) => [one.id, one]));
  known.set(message.id, message);
  const effects = new Map();
  const waiting = [message];
  for (const one of known.values()) {
    if (message.correlation_id && one.correlation_id === message.correlation_id) waiting.push(one);
    if (!one.causation_id) continue;
    if (effects.has(one.causation_id)) effects.get(one.causation_id).push(one);
    else effects.set(one.causation_id, [one]);
  }
  const found = new Map();
  while (waiting.length > 0) {
    const one = waiting.pop();
    if (found.has(one.id)) continue;
    found.set(one.id, one);
    if (known.has(one.causation_id)) waiting.push(known.get(one.causation_id));
    for (const effect of effects.get(one.id) ?? []) waiting.push(effect);
  }
  return found;
}

/**
 * Those of `messages` that belong to `message`, it among them, the oldest first; each with its depth below its cause. Those of
 * which there was no room to keep more than what ties them to others are not among them.
 */
export function chain(message, messages) {
  const found = related(message, messages);
  const depth = (one, most) => {
    const cause = one.causation_id ? found.get(one.causation_id) : undefined;
    return cause && cause !== one && most > 0 ? 1 + depth(cause, most - 1) : 0;
  };
  const byTime = (a, b) => a.timestamp.localeCompare(b.timestamp) || a.id.localeCompare(b.id, 'en', { numeric: true });
  return [...found.values()].filter(isKept).sort(byTime).map((one) => ({ message: one, depth: depth(one, 8) }));
}

const isKept = (one) => one.timestamp !== undefined;

/** What was looked through: of each message what ties it to others, and its text as long as there is room. */
class Candidates {
  #message;
  #all = new Map();
  #characters = 0;

  /** `known` are messages that need not be found. */
  constructor(message, known) {
    this.#message = message;
    for (const one of [...known.filter(isKept), message]) this.#all.set(one.id, one);
  }

  add({ id, causation_id, correlation_id }, text) {
    if (this.#all.has(id)) return;
    this.#all.set(id, { id, causation_id, correlation_id, text });
    this.#characters += text.length;
    if (this.#characters > LOOK_CHARACTERS) this.#makeRoom();
  }

  /** An effect may come before its cause, so what belongs is known at the end. */
  found(read) {
    return [...related(this.#message, [...this.#all.values()]).values()].map((one) => (one.text ? read(JSON.parse(one.text), one.text) : one));
  }

  /** Half of it: the oldest go, and first those that do not belong as far as is known now. */
  #makeRoom() {
    const all = [...this.#all.values()];
    const own = related(this.#message, all);
    const texts = all.filter((one) => one.text);
    for (const one of [...texts.filter(({ id }) => !own.has(id)), ...texts.filter(({ id }) => own.has(id))]) {
      if (this.#characters <= LOOK_CHARACTERS / 2) return;
      this.#characters -= one.text.length;
      one.text = null;
    }
  }
}

/**
 * Looks through what the nodes still keep, once. Resolves to the messages that belong, those of `known` among them, how many were
 * seen, and how many belong but there was no room to keep them.
 */
export function look(message, known, instances, read) {
  return new Promise((resolve, reject) => {
    const candidates = new Candidates(message, known);
    let seen = 0;
    let waiting = instances.length;
    const patterns = instances.map((instance) => `pattern=${instance}/*`).join('&');
    const end = () => {
      clearTimeout(timer);
      stream.close();
      const found = candidates.found(read);
      resolve({ found, seen, leftOut: found.filter((one) => !isKept(one)).length });
    };
    const timer = setTimeout(end, LOOK_MS);
    const stream = new EventStream(`v1/subscribe?${patterns}&from=last:${LOOK_LAST}&format=sse`, {
      silenceMs: LOOK_MS,
      onState(state, words, reason) {
        if (state === 'open') return;
        clearTimeout(timer);
        stream.close();
        reject(Object.assign(new Error(words || 'the connection was lost'), { reason }));
      },
      onEvent(name, data, text) {
        if (name === 'live') {
          waiting -= 1;
          if (waiting === 0) end();
        } else if (name === 'message') {
          seen += 1;
          candidates.add(data, text);
          if (seen === LOOK_MESSAGES) end();
        }
      },
    });
  });
}
