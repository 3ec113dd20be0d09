// What an operator sees of a host that is lost and comes back, and of a key that is replaced: operator.mjs A
import assert from 'node:assert/strict';
import { memberIs, open, picture, stage, text, until } from './dashboard_page.mjs';

const [a] = process.argv.slice(2);
const { browser, page, watch } = await open(a);
const allIsWell = async () => {
  for (const [name, state] of [['a', 'self'], ['b', 'alive'], ['c', 'alive']]) await memberIs(page, name, state);
  await until('nothing is wrong', async () => (await text(page, '#findings')) === '' || !/down|lost|gap/i.test(await text(page, '#findings')));
  assert.equal(await text(page, '[data-figure=up]'), '3 of 3');
};
try {
  await allIsWell();

  await stage('power-off b');
  await memberIs(page, 'b', 'down');
  await until('it is said, with the time', async () => /b is down\.[\s\S]*since \d\d:\d\d:\d\d/.test(await text(page, '#findings')));
  await until('its links are broken', async () => (await page.locator('#topology line.edge[data-edge=broken]').count()) === 2);
  await picture(page, 'operator-b-is-off');

  await stage('power-on b');
  await allIsWell();

  await stage('replace-key-under load');
  await allIsWell();
  await picture(page, 'operator-another-key');
  watch.expectClean();
} finally {
  await browser.close();
}
