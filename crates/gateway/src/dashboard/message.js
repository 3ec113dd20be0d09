// One message in detail: its tags, whether it is signed, its payload as it was sent, and what belongs to it.

import { chain, look } from './chain.js';
import { byId, make, setHidden, setText } from './dom.js';
import { count, exactClock, plural } from './format.js';
import { ALL, withoutPrivate } from './instance_names.js';

/** Longer payloads are cut; a program asks the node for them. */
const MOST_SHOWN = 64 * 1024;
/** More that belong to a message are counted, not listed. */
const MOST_LISTED = 200;
/** In front of the payload, and nowhere before it: a header's value is in quotes. */
const BEFORE_PAYLOAD = /"signed":(?:true|false),"payload":/;

/** What is kept of a message: its tags and its text, which has the payload as it was sent, every digit of it. */
export function readMessage(data, text) {
  const { payload, payload_base64: base64, ...message } = data;
  const place = BEFORE_PAYLOAD.exec(text);
  message.payloadText = base64 !== undefined ? base64 : typeof payload === 'string' && !isJson(data) ? payload : place ? text.slice(place.index + place[0].length, -1) : '';
  message.isBase64 = base64 !== undefined;
  return message;
}

export class MessageDetail {
  #panel = byId('detail');
  #kept;
  #onChoose;
  #onClose;
  #message = null;
  #looked = [];

  /** `kept()` gives the messages that the page has. */
  constructor({ kept, onChoose, onClose }) {
    this.#kept = kept;
    this.#onChoose = onChoose;
    this.#onClose = onClose;
  }

  get isOpen() {
    return this.#message !== null;
  }

  open(message) {
    if (this.#message !== message && !this.#looked.some((one) => one.id === message.id)) this.#looked = [];
    this.#message = message;
    this.#render('');
  }

  close() {
    if (!this.isOpen) return;
    this.#message = null;
    this.#looked = [];
    setHidden(this.#panel, true);
    this.#panel.replaceChildren();
    this.#onClose();
  }

  #render(words) {
    const message = this.#message;
    const close = make('button', { type: 'button', title: 'Close (Esc)' }, 'Close');
    close.addEventListener('click', () => this.close());
    const tags = make('dl', { class: 'tags' });
    for (const [name, value, attributes] of tagsOf(message)) tags.append(make('dt', {}, name), make('dd', attributes, value));
    const hasFocus = this.#panel.contains(document.activeElement);
    this.#panel.replaceChildren(
      make('header', {}, make('h3', {}, message.event || 'message'), close),
      tags,
      make('h4', {}, message.isBase64 ? 'Payload in base64' : 'Payload'),
      make('pre', { tabindex: 0, 'aria-label': 'Payload' }, payloadOf(message)),
      ...this.#chain(words),
    );
    setHidden(this.#panel, false);
    // What had it is gone.
    if (hasFocus) this.#panel.focus({ preventScroll: true });
  }

  #chain(words) {
    const message = this.#message;
    const title = make('h4', {}, 'What belongs to it');
    const all = chain(message, this.#all());
    if (!message.correlation_id && !message.causation_id && all.length < 2) {
      return [title, make('p', { class: 'muted' }, 'It names no correlation and no cause, and no message here names it.')];
    }
    const rows = around(all, all.findIndex((one) => one.message.id === message.id)).map(({ message: one, depth }) => {
      const button = make('button', { type: 'button', class: 'choose', 'aria-current': one.id === message.id ? 'true' : null, 'data-depth': Math.min(depth, 4) },
        make('time', {}, exactClock(one.timestamp)), make('span', {}, `${one.instance}/${one.topic}`), make('span', { class: 'muted' }, `${one.event} from ${one.originating_node}`));
      button.addEventListener('click', () => this.#onChoose(one));
      return make('li', {}, button);
    });
    const more = make('button', { type: 'button' }, 'Look through what the nodes keep');
    const unlisted = all.length > rows.length ? ` ${count(all.length - rows.length)} more are not listed.` : '';
    const note = make('p', { class: 'muted', role: 'status' }, `${words || `${plural(all.length, 'message')} of those that this page has heard.`}${unlisted}`);
    more.addEventListener('click', () => this.#look(more, note));
    return [title, make('ol', { class: 'chain' }, ...rows), note, more];
  }

  async #look(button, note) {
    const message = this.#message;
    // A button that is disabled loses the focus.
    if (button === document.activeElement) this.#panel.focus({ preventScroll: true });
    button.disabled = true;
    setText(note, 'Looking…');
    try {
      const { found, seen, leftOut } = await lookWhereAllowed(message, this.#all());
      if (this.#message !== message) return;
      this.#looked = found;
      const size = chain(message, this.#all()).length;
      const without = leftOut > 0 ? ` ${plural(leftOut, 'more belongs', 'more belong')} to it, for which there was no room here.` : '';
      this.#render(`${plural(size, 'message')}, among ${count(seen)} of the last that the nodes keep.${without}`);
    } catch (err) {
      button.disabled = false;
      setText(note, `They could not be looked through: ${err.message}`);
    }
  }

  #all() {
    // Of two that are the same the last counts: that of the tail.
    return [...this.#looked, ...this.#kept()];
  }
}

/** As many as are listed, the one in that place among them. */
function around(all, place) {
  const first = Math.max(0, Math.min(place - MOST_LISTED / 2, all.length - MOST_LISTED));
  return all.slice(first, first + MOST_LISTED);
}

async function lookWhereAllowed(message, known) {
  try {
    return await look(message, known, ALL, readMessage);
  } catch (err) {
    if (err.reason !== 'denied') throw err;
    return look(message, known, withoutPrivate(ALL), readMessage);
  }
}

function* tagsOf(message) {
  yield ['Topic', `${message.instance}/${message.topic}`, { class: 'code' }];
  yield ['Event', message.event, { class: 'code' }];
  yield ['Time', exactClock(message.timestamp), { title: message.timestamp }];
  yield ['Origin', message.originating_node === message.reporting_node ? message.originating_node : `${message.originating_node}, reported by ${message.reporting_node}`, {}];
  yield ['Signature', message.signed ? '✓ signed with the mesh’s secret, and verified' : '○ not signed', { 'data-signed': String(message.signed) }];
  yield ['Id', message.id, { class: 'code' }];
  yield ['Correlation', message.correlation_id ?? 'none', { class: 'code' }];
  yield ['Cause', message.causation_id ?? 'none', { class: 'code' }];
  yield ['Content', `${message.content_type}, schema ${message.schema_version}`, {}];
  if (message.reply_to) yield ['Reply to', message.reply_to, { class: 'code' }];
  for (const [name, value] of Object.entries(message.headers ?? {})) yield [`Header ${name}`, [value].flat().join(', '), { class: 'code' }];
}

function isJson({ content_type: type }) {
  return /^application\/(?:.*\+)?json\b/.test(type);
}

function payloadOf(message) {
  const text = message.payloadText;
  if (text === '') return '(empty)';
  const shown = isJson(message) && !message.isBase64 ? indent(text.slice(0, MOST_SHOWN)) : text.slice(0, MOST_SHOWN);
  return text.length > MOST_SHOWN ? `${shown}\n… ${count(text.length - MOST_SHOWN)} more characters` : shown;
}

/** JSON on several lines. Numbers stay as they are written, which parsing them would not leave them. */
function indent(json) {
  let out = '';
  let depth = 0;
  const line = () => `\n${'  '.repeat(Math.min(depth, 32))}`;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"?|[{[]\s*[}\]]|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (token === '{' || token === '[') {
      depth += 1;
      out += token + line();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      out += line() + token;
    } else if (token === ',') out += token + line();
    else if (token === ':') out += ': ';
    else out += token;
  }
  return out;
}
