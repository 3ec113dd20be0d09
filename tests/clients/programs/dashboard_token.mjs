// A node that serves nobody without a token: dashboard_token.mjs A TOKEN
import assert from 'node:assert/strict';
import { memberIs, open, text, until } from './dashboard_page.mjs';

const [a, token] = process.argv.slice(2);
const { browser, page, watch } = await open(a);
try {
  await until('the page asks for a token', async () => page.locator('#token-dialog').isVisible());
  assert.equal(await page.locator('#members-table tbody tr').count(), 0);
  for (let presses = 0; presses < 4; presses += 1) await page.keyboard.press('Escape');
  await until('nobody gets around it', async () => page.locator('#token-dialog').isVisible());
  await page.fill('#token', 'bwt1_ключ');
  await page.keyboard.press('Enter');
  await until('what cannot be a token is told', async () => /This is no token/.test(await text(page, '#token-words')));
  await page.fill('#token', 'bwt1_wrong');
  await page.keyboard.press('Enter');
  await until('a wrong one is asked for again', async () => page.locator('#token-dialog').isVisible());
  await page.fill('#token', token);
  await page.keyboard.press('Enter');
  await memberIs(page, 'a', 'self');
  assert.equal(await page.locator('#token-dialog').isVisible(), false);
  // The token may not receive what must be named; what it may is heard all the same.
  await until('the tail listens', async () => /Listening on 1 of 1 nodes/.test(await text(page, '#tail-note')));
  const response = await fetch(`${a}/v1/publish/alerts/seen`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: '{}' });
  assert.equal(response.status, 200);
  await until('and hears', async () => /seen/.test(await text(page, '#tail-rows')));

  await page.reload();
  await memberIs(page, 'a', 'self');
  assert.equal(await page.locator('#token-dialog').isVisible(), false, 'the tab keeps it');
  assert.ok(!page.url().includes(token));
  assert.deepEqual(await page.evaluate(() => ({ ...localStorage })), {}, 'only the tab');
  watch.expectClean(/status of 40[13]/);
} finally {
  await browser.close();
}
