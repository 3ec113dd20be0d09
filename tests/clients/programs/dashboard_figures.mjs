// What the dashboard shows of three nodes is what their /metrics say: dashboard_figures.mjs A B C
import assert from 'node:assert/strict';
import net from 'node:net';
import { open, picture, publish, text, until, member, memberIs } from './dashboard_page.mjs';

const urls = Object.fromEntries(['a', 'b', 'c'].map((name, index) => [name, process.argv[2 + index]]));
/** Figures of an instance, by their column and their metric. */
const TOTALS = { 'Published/s': 'messages_published_total', 'Delivered/s': 'messages_delivered_total', 'Received/s': 'messages_received_total', 'Forwarded/s': 'messages_forwarded_total' };
/** What the page itself makes the nodes say is never still. */
const INSTANCES = ['events', 'system', 'health', 'metrics', 'lifecycle', 'alerts', 'audit', 'security', 'logging'];

async function metrics(url) {
  const samples = {};
  for (const line of (await (await fetch(`${url}/metrics`)).text()).split('\n')) {
    const [, name, value] = /^bellwether_(\S+?) ([\d.e+]+)$/.exec(line) ?? [];
    if (name) samples[name] = Number(value);
  }
  return samples;
}

/** The table of instances as it is read: the totals, what was dropped, the backlog. */
async function table(page) {
  const rows = await page.locator('#instances-table tbody tr').evaluateAll((rows) => rows.map((row) => [
    row.dataset.instance,
    Object.fromEntries([...row.cells].map((cell) => [cell.dataset.label, cell.innerText])),
  ]));
  const number = (words) => Number(words.replaceAll(',', ''));
  return Object.fromEntries(rows.map(([instance, cells]) => {
    const dropped = [...cells['Dropped, by reason'].matchAll(/(\w+) ([\d,]+)/g)].map(([, reason, count]) => [reason, number(count)]);
    const totals = Object.keys(TOTALS).map((column) => [column, number(cells[column].split('\n')[1])]);
    return [instance, { ...Object.fromEntries(totals), dropped: Object.fromEntries(dropped), backlog: number(cells.Backlog.split('\n')[0]) }];
  }));
}

function expected(samples) {
  return Object.fromEntries(INSTANCES.map((instance) => {
    const of = (name) => samples[`${name}{instance="${instance}"}`];
    const dropped = Object.entries(samples).flatMap(([name, count]) => {
      const [, of, reason] = /^messages_dropped_total\{instance="(\w+)",reason="(\w+)"\}$/.exec(name) ?? [];
      return of === instance && count > 0 ? [[reason, count]] : [];
    });
    const totals = Object.entries(TOTALS).map(([column, metric]) => [column, of(metric)]);
    return [instance, { ...Object.fromEntries(totals), dropped: Object.fromEntries(dropped), backlog: of('backlog_messages') }];
  }));
}

const differs = (shown, wanted) => {
  try {
    for (const instance of INSTANCES) assert.deepEqual(shown[instance], wanted[instance], instance);
    return null;
  } catch (err) {
    return err;
  }
};

/** One who subscribes and does not read, so that the node must drop. */
function stuck(url) {
  const { hostname, port } = new URL(url);
  const socket = net.connect({ host: hostname, port: Number(port) });
  socket.write(`GET /v1/subscribe?pattern=metrics/stuck:* HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  return new Promise((resolve) => socket.once('data', () => {
    socket.pause();
    resolve(socket);
  }));
}

const { browser, page, watch } = await open(urls.a);
try {
  for (const [name, state] of [['a', 'self'], ['b', 'alive'], ['c', 'alive']]) await memberIs(page, name, state);
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null);
  assert.notEqual(paint, null);
  console.log(`say: first paint after ${Math.round(paint)} ms`);
  await until('all is well', async () => (await text(page, '#verdict-words')) === 'All is well');
  for (const [name, url] of Object.entries(urls)) {
    const members = await (await fetch(`${url}/v1/members`)).json();
    assert.equal(await member(page, name).locator('[data-label=Epoch]').innerText(), String(members.find((one) => one.node === name).epoch));
  }
  await until('the links are there with their round trips', async () => (await page.locator('#topology .round-trip').count()) === 3);
  assert.equal(await page.locator('#topology line.edge[data-edge=up]').count(), 3);
  await until('lanes are there', async () => /urgent .* lost/.test(await text(page, '#links-table [data-label=Lanes]')));

  for (let n = 0; n < 25; n += 1) await publish(urls.a, 'events', 'pages:one', { n });
  for (let n = 0; n < 7; n += 1) await publish(urls.b, 'audit', 'pages:two', { n });
  for (let n = 0; n < 3; n += 1) await publish(urls.c, 'alerts', 'pages:three', { n });
  for (const [name, url] of Object.entries(urls)) {
    await page.selectOption('#scope', name);
    const began = Date.now();
    let why;
    await until(`the figures of ${name} are those of its /metrics`, async () => {
      why = differs(await table(page), expected(await metrics(url)));
      return why === null;
    }).catch((err) => {
      throw new Error(err.message, { cause: why });
    });
    console.log(`say: the figures of ${name} were right after ${Date.now() - began} ms`);
  }
  await page.selectOption('#scope', '');
  const all = await Promise.all(Object.values(urls).map(async (url) => expected(await metrics(url))));
  await until('of the whole mesh they are the sums', async () => {
    const shown = await table(page);
    return INSTANCES.every((instance) => shown[instance]['Published/s'] === all.reduce((sum, one) => sum + one[instance]['Published/s'], 0));
  });
  await page.locator('#instances-table tr[data-instance=events] button').click();
  await until('the chart is that of the instance', async () => (await text(page, '#chart-title')) === 'events, the whole mesh');

  // What is dropped, and for whom, is seen on another node's page.
  const socket = await stuck(urls.b);
  const body = 'x'.repeat(60_000);
  await until('b has to drop', async () => {
    for (let n = 0; n < 50; n += 1) await publish(urls.b, 'metrics', 'stuck:one', null, { type: 'text/plain', body });
    return (await metrics(urls.b))['messages_dropped_total{instance="metrics",reason="slow_subscriber"}'] > 0;
  });
  await until('it is said that something was dropped', async () => /messages? of metrics dropped on b for subscribers that read too slowly/.test(await text(page, '#findings')));
  await page.selectOption('#scope', 'b');
  await until('by its reason, and the worst subscriber is named', async () => {
    const row = page.locator('#instances-table tr[data-instance=metrics]');
    return /slow_subscriber [\d,]+/.test(await row.locator('[data-label="Dropped, by reason"]').innerText()) && /stuck:\* on b: [\d,]+ wait/.test(await row.locator('[data-label="Worst subscriber"]').innerText());
  });
  socket.destroy();
  await page.selectOption('#scope', '');
  for (const theme of ['light', 'dark']) {
    for (const width of [360, 768, 1440]) {
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 900 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(overflow <= 0, `the page is ${overflow} px wider than ${width}`);
      await picture(page, `figures-${width}-${theme}`);
    }
  }
  assert.equal(await page.locator('#topology').isVisible(), true);
  await page.setViewportSize({ width: 360, height: 800 });
  assert.equal(await page.locator('#topology').isVisible(), false, 'its table says the same');
  assert.equal(await page.locator('#links-table').isVisible(), true);
  watch.expectClean();
} finally {
  await browser.close();
}
