// The dashboard in a headless Chromium, watched: what it asks for and from whom, what it says on the console, what it opens.
// And the words between a program and the test that runs it, which has the nodes: `kill c` on the standard output is done
// once the test answers with a line.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import readline from 'node:readline';

const require = createRequire(`${process.env.BELLWETHER_NODE_MODULES}/`);
const { chromium } = require('playwright-core');

/** A condition that takes longer does not come true. */
export const WITHIN = 30_000;

let answers = null;

/** Has the test do something with its nodes. */
export async function stage(words) {
  answers ??= readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  process.stdin.ref();
  console.log(words);
  await answers.next();
  // A program whose work is done ends, whether or not there may be another answer.
  process.stdin.unref();
}

/** The dashboard of a node, and its watch. */
export async function open(url, { width = 1440, height = 900, theme = 'light' } = {}) {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme });
  page.setDefaultTimeout(WITHIN);
  const watch = new Watch(page, url);
  await page.goto(`${url}/`);
  assert.equal(page.url(), `${url}/dashboard`, 'a browser is shown to the page');
  return { browser, page, watch };
}

class Watch {
  #origin;
  #problems = [];
  #elsewhere = [];

  constructor(page, url) {
    this.#origin = new URL(url).origin;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#problems.push(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (err) => this.#problems.push(String(err.stack)));
    page.on('dialog', (dialog) => {
      this.#problems.push(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on('popup', (popup) => this.#problems.push(`a window: ${popup.url()}`));
    page.on('websocket', (socket) => this.#elsewhere.push(socket.url()));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== this.#origin) this.#elsewhere.push(request.url());
    });
  }

  /** Nothing was asked of anybody else, and the console is empty, but for what `expected` says. */
  expectClean(expected = /^$/) {
    assert.deepEqual(this.#elsewhere, [], 'asks nobody but its node');
    assert.deepEqual(this.#problems.filter((problem) => !expected.test(problem)), [], 'says nothing on the console');
  }
}

/** Waits until `look` gives something that is not null or false, and gives it. */
export async function until(what, look) {
  const deadline = Date.now() + WITHIN;
  let last;
  for (;;) {
    const found = await look().catch((err) => {
      last = err;
      return null;
    });
    if (found !== null && found !== false && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`still not so: ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const text = async (page, selector) => (await page.locator(selector).first().innerText()).trim();

/** The row of a member. */
export const member = (page, name) => page.locator(`#members-table tr[data-node="${name}"]`);

/** Waits until the row of a member is in a state, by its attribute and its words. */
export function memberIs(page, name, state) {
  return until(`${name} is ${state}`, async () => {
    const row = member(page, name);
    const words = await row.locator('.badge').innerText();
    return (await row.getAttribute('data-state')) === state && words.includes(state === 'self' ? 'this node' : state);
  });
}

export async function publish(url, instance, topic, payload, { type = 'application/json', query = '', body = JSON.stringify(payload) } = {}) {
  const response = await fetch(`${url}/v1/publish/${instance}/${topic}${query}`, { method: 'POST', headers: { 'content-type': type }, body });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()).id;
}

/** Keeps a picture of the page for people to look at. */
export async function picture(page, name) {
  const folder = process.env.BELLWETHER_SCREENSHOTS;
  mkdirSync(folder, { recursive: true });
  await page.evaluate(async () => {
    scrollTo({ top: 0, behavior: 'instant' });
    // Until what follows the size and the colours of the page has been drawn.
    for (let frames = 0; frames < 4; frames += 1) await new Promise(requestAnimationFrame);
  });
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true, animations: 'disabled' });
}
