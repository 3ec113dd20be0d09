// Requests to the node that served the page, and to nobody else; with a token once the node has asked for one.

import { byId, recall, remember, setHidden, setText } from './dom.js';

const KEY = 'bellwether.token';
/** The node's own address, also behind a proxy that adds a path. */
const NODE = new URL('../', import.meta.url);

/** A header takes no others, and no token has them. */
const isToken = (text) => /^[!-~]+$/.test(text);

let token = recall('sessionStorage', KEY);
if (token !== null && !isToken(token)) token = null;
let asking = null;

/** What a node refused, in its words. */
export class Refused extends Error {
  constructor(status, words, reason) {
    super(words);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * The answer to a request, or `Refused`. Where the node asks who it is, somebody is asked for a token first; and for another
 * one where it may not, if that is wanted.
 */
export async function request(path, { asksIfDenied = false, ...options } = {}) {
  for (;;) {
    const shown = token;
    const headers = new Headers(options.headers);
    if (shown !== null) headers.set('authorization', `Bearer ${shown}`);
    const response = await fetch(new URL(path, NODE), { cache: 'no-store', credentials: 'omit', redirect: 'error', ...options, headers });
    if (response.ok) return response;
    const refused = await refusal(response);
    const isDenied = refused.reason === 'denied';
    if (refused.status !== 401 && !(isDenied && asksIfDenied)) throw refused;
    // Meanwhile another request may have brought one.
    if (shown !== token) continue;
    const isGiven = await askForToken(refused.message, isDenied);
    if (isDenied && !isGiven) throw refused;
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

/** One dialog, however many requests wait for it. Whether there is a token now: who is denied something may go on without. */
function askForToken(words, isDenied) {
  asking ??= new Promise((resolve) => {
    const [dialog, input, without] = [byId('token-dialog'), byId('token'), byId('token-without')];
    const listening = new AbortController();
    const listen = (element, event, handle) => element.addEventListener(event, handle, { signal: listening.signal });
    const end = (isGiven) => {
      listening.abort();
      input.value = '';
      asking = null;
      resolve(isGiven);
    };
    setText(byId('token-title'), isDenied ? 'This node asks for another token' : 'This node asks who you are');
    setText(byId('token-words'), words);
    setHidden(without, !isDenied);
    listen(without, 'click', () => dialog.close());
    listen(dialog, 'cancel', (event) => {
      if (!isDenied) event.preventDefault();
    });
    listen(dialog, 'close', () => {
      if (dialog.open) return;
      if (isDenied) end(false);
      // A browser may let somebody close it all the same.
      else dialog.showModal();
    });
    listen(byId('token-form'), 'submit', (event) => {
      const given = input.value.trim();
      if (!isToken(given)) {
        event.preventDefault();
        setText(byId('token-words'), 'This is no token: it has a space or a character that no token has. Was something else copied?');
        return;
      }
      token = given;
      remember('sessionStorage', KEY, token);
      end(true);
      document.dispatchEvent(new Event('tokenchange'));
    });
    dialog.showModal();
  });
  return asking;
}
