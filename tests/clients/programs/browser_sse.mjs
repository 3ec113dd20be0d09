// A page of a node in a headless Chromium, and what its event sources are told. Says a line for each event; `open QUERY`
// on the standard input opens an event source, `close` closes all.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const require = createRequire(`${process.env.BELLWETHER_NODE_MODULES}/`);
const { chromium } = require('playwright-core');

const [node] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage();
await page.exposeFunction('tell', (line) => console.log(line));
// An event source needs a page of the node itself: others are refused.
await page.goto(`${node}/healthz`);
console.log('ready');

const open = (query) => page.evaluate((query) => {
  const source = new EventSource(`/v1/subscribe?${query}`);
  for (const name of ['subscribed', 'message', 'gap', 'epoch_ended', 'live']) {
    source.addEventListener(name, (event) => {
      const data = JSON.parse(event.data);
      const words = { message: () => data.payload, gap: () => data.gap.cause, subscribed: () => data.subscribed.live };
      tell([name, words[name]?.()].filter((word) => word !== undefined).join(' '));
    });
  }
  (globalThis.sources ??= []).push(source);
}, query);

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [verb, query] = line.split(' ');
  if (verb === 'open') await open(query);
  if (verb === 'close') await page.evaluate(() => globalThis.sources.splice(0).forEach((source) => source.close()));
}
await browser.close();
