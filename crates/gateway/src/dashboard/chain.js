// The messages that belong together: of one correlation, or causes and effects of one another.

import { EventStream } from './event_stream.js';

/** Of each instance and node, so many of the last messages are looked through. */
const LOOK_LAST = 1000;
const LOOK_MESSAGES = 50_000;
const LOOK_MS = 10_000;

/** Those of `messages` that belong to `message`, it among them, the oldest first; each with its depth below its cause. */
export function chain(message, messages) {
  const found = new Map([[message.id, message]]);
  for (const other of messages) if (message.correlation_id && other.correlation_id === message.correlation_id) found.set(other.id, other);
  for (let size = 0; size < found.size;) {
    size = found.size;
    const causes = new Set([...found.values()].map((one) => one.causation_id).filter(Boolean));
    for (const other of messages) if (causes.has(other.id) || (other.causation_id && found.has(other.causation_id))) found.set(other.id, other);
  }
  const depth = (one, most) => {
    const cause = one.causation_id ? found.get(one.causation_id) : undefined;
    return cause && cause !== one && most > 0 ? 1 + depth(cause, most - 1) : 0;
  };
  const byTime = (a, b) => a.timestamp.localeCompare(b.timestamp) || a.id.localeCompare(b.id, 'en', { numeric: true });
  return [...found.values()].sort(byTime).map((one) => ({ message: one, depth: depth(one, 8) }));
}

/** Looks through what the nodes still keep, once. Resolves to the messages that may belong, and how many were seen. */
export function look(message, instances, read) {
  return new Promise((resolve, reject) => {
    const found = [];
    const ids = new Set([message.id, message.causation_id].filter(Boolean));
    let seen = 0;
    let waiting = instances.length;
    const patterns = instances.map((instance) => `pattern=${instance}/*`).join('&');
    const end = () => {
      clearTimeout(timer);
      stream.close();
      resolve({ found, seen });
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
          const related = (message.correlation_id && data.correlation_id === message.correlation_id) || ids.has(data.id) || ids.has(data.causation_id);
          if (related) {
            ids.add(data.id);
            if (data.causation_id) ids.add(data.causation_id);
            found.push(read(data, text));
          }
          if (seen === LOOK_MESSAGES) end();
        }
      },
    });
  });
}
