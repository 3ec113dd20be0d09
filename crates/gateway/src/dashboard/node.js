// Requests to the node that served the page, and to nobody else; with a token once the node has asked for one.

import { byId, setText } from './dom.js';

const KEY = 'bellwether.token';
/** The node's own address, also behind a proxy that adds a path. */
const NODE = new URL('../', import.meta.url);

let token = sessionStorage.getItem(KEY);
let asking = null;

/** What a node refused, in its words. */
export class Refused extends Error {
  constructor(status, words, reason) {
    super(words);
    this.status = status;
    this.reason = reason;
  }
}

/** The answer to a request, or `Refused`. Where the node asks who it is, somebody is asked for a token first. */
export async function request(path, options = {}) {
  for (;;) {
    const shown = token;
    const headers = new Headers(options.headers);
    if (shown !== null) headers.set('authorization', `Bearer ${shown}`);
    const response = await fetch(new URL(path, NODE), { cache: 'no-store', credentials: 'omit', redirect: 'error', ...options, headers });
    if (response.ok) return response;
    const refused = await refusal(response);
    if (refused.status !== 401) throw refused;
    // Meanwhile another request may have brought one.
    if (shown === token) await askForToken(refused.message);
  }
}

export async function getJson(path) {
  return (await request(path)).json();
}

export async function postJson(path, body) {
  const headers = { 'content-type': 'application/json' };
  return (await request(path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}

async function refusal(response) {
  const text = await response.text();
  try {
    const { error, reason } = JSON.parse(text);
    return new Refused(response.status, String(error), reason);
  } catch {
    return new Refused(response.status, `${response.status} ${response.statusText}`, null);
  }
}

/** One dialog, however many requests wait for it. */
function askForToken(words) {
  asking ??= new Promise((resolve) => {
    const dialog = byId('token-dialog');
    const input = byId('token');
    setText(byId('token-words'), words);
    input.value = '';
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    byId('token-form').addEventListener(
      'submit',
      () => {
        token = input.value.trim();
        sessionStorage.setItem(KEY, token);
        input.value = '';
        asking = null;
        resolve();
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}
