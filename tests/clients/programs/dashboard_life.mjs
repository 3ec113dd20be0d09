// A node is killed and comes back, and then the page's own: dashboard_life.mjs A B C
import assert from 'node:assert/strict';
import { member, memberIs, open, picture, publish, stage, text, until } from './dashboard_page.mjs';

const [a, b] = process.argv.slice(2);
const { browser, page, watch } = await open(a);
try {
  for (const [name, state] of [['a', 'self'], ['b', 'alive'], ['c', 'alive']]) await memberIs(page, name, state);
  await until('c has told its epoch', async () => /^\d+$/.test(await member(page, 'c').locator('[data-label=Epoch]').innerText()));
  const before = await member(page, 'c').locator('[data-label=Epoch]').innerText();

  await stage('kill c');
  await memberIs(page, 'c', 'down');
  await until('it is said, with the time', async () => /c is down\.[\s\S]*since \d\d:\d\d:\d\d/.test(await text(page, '#findings')));
  assert.match(await text(page, '#verdict-words'), /wrong/);
  assert.equal(await text(page, '[data-figure=up]'), '2 of 3');
  await until('its links are broken', async () => (await page.locator('#topology line.edge[data-edge=broken]').count()) === 2);
  assert.match(await page.title(), /^\(\d+\) a – Bellwether$/);
  await picture(page, 'life-c-is-down-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await picture(page, 'life-c-is-down-dark');

  await stage('start c');
  await memberIs(page, 'c', 'alive');
  await until('it is another run', async () => {
    const epoch = await member(page, 'c').locator('[data-label=Epoch]').innerText();
    return /^\d+$/.test(epoch) && Number(epoch) > Number(before);
  });
  await until('nobody is missed', async () => !(await text(page, '#findings')).includes('c is down'));

  await page.evaluate(() => {
    globalThis.isTheSamePage = true;
  });
  await page.selectOption('#tail-instance', 'events');
  await until('the tail listens', async () => /Listening on 3 of 3 nodes/.test(await text(page, '#tail-note')));
  await publish(b, 'events', 'life:one', { n: 1 });
  await until('and hears', async () => /life:one/.test(await text(page, '#tail-rows')));
  await stage('kill a');
  await until('the page says that it has lost its node', async () => /This page has lost a/.test(await text(page, '#findings')));
  assert.match(await text(page, '#connection'), /^lost a at/);
  await picture(page, 'life-a-is-lost-dark');
  await stage('start a');
  await until('it is there again', async () => (await text(page, '#connection')) === 'live from a');
  for (const [name, state] of [['a', 'self'], ['b', 'alive'], ['c', 'alive']]) await memberIs(page, name, state);
  await until('nothing is lost any more', async () => !(await text(page, '#findings')).includes('lost'));
  await publish(b, 'events', 'life:two', { n: 2 });
  await until('the tail goes on', async () => /life:two/.test(await text(page, '#tail-rows')));
  assert.equal(await page.evaluate(() => globalThis.isTheSamePage), true, 'it was not loaded again');
  // A browser itself reports on its console each request that found nobody.
  watch.expectClean(/net::ERR_/);
} finally {
  await browser.close();
}
