// The live tail: filters, pause, a message in detail and what belongs to it, and texts that would be more than text:
// dashboard_tail.mjs A B
import assert from 'node:assert/strict';
import { open, picture, publish, text, until } from './dashboard_page.mjs';

const [a, b] = process.argv.slice(2);
const HARM = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'><svg onload=alert(3)>';

const { browser, page, watch } = await open(a, { theme: 'dark' });
const rows = async () => (await page.locator('#tail-rows .row .topic').allInnerTexts());
const listens = () => until('the tail listens', async () => /Listening on 2 of 2 nodes/.test(await text(page, '#tail-note')));
const hears = (topic) => until(`the tail has ${topic}`, async () => (await rows()).includes(topic));
const choose = async (instance, pattern) => {
  await page.selectOption('#tail-instance', instance);
  await page.keyboard.press('Escape');
  await page.locator('#tail-title').click();
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'tail-pattern');
  await page.keyboard.type(pattern);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await listens();
};
try {
  await listens();

  // What is kept already is shown first; instance, pattern and origin narrow it.
  await publish(a, 'events', 'orders:early', { n: 0 });
  await choose('events', 'orders:*');
  await hears('orders:early');
  await publish(a, 'events', 'stock:low', {});
  await publish(a, 'metrics', 'orders:elsewhere', {});
  await publish(b, 'events', 'orders:from_b', { n: 1 });
  await publish(a, 'events', 'orders:from_a', { n: 2 });
  await hears('orders:from_a');
  await hears('orders:from_b');
  assert.deepEqual((await rows()).sort(), ['orders:early', 'orders:from_a', 'orders:from_b']);
  await page.selectOption('#tail-origin', 'b');
  await until('only those of b', async () => (await rows()).join() === 'orders:from_b');
  await page.selectOption('#tail-origin', '');
  await until('all again', async () => (await rows()).length === 3);

  // Space stops the rows, not the listening.
  await page.locator('#tail-title').click();
  await page.keyboard.press(' ');
  await until('it is paused', async () => (await page.locator('#tail-pause').getAttribute('aria-pressed')) === 'true');
  await publish(a, 'events', 'orders:while_paused', {});
  await until('it is counted', async () => /^Paused; 1 newer/.test(await text(page, '#tail-note')));
  assert.ok(!(await rows()).includes('orders:while_paused'));
  await page.keyboard.press(' ');
  await hears('orders:while_paused');

  // A cause and its effects over instances, of one correlation.
  const cause = await publish(a, 'events', 'orders:paid', { order: 7 }, { query: '?event=paid&correlation_id=order-7' });
  const effect = await publish(b, 'audit', 'orders:booked', { order: 7 }, { query: `?event=booked&correlation_id=order-7&causation_id=${encodeURIComponent(cause)}` });
  await publish(a, 'events', 'orders:sent', { exact: 12345678901234567890.0 }, {
    query: `?event=sent&correlation_id=order-7&causation_id=${encodeURIComponent(effect)}`, body: '{"exact": 12345678901234567890, "one": 1.0}',
  });
  await hears('orders:sent');
  await page.locator('#tail-rows').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  const detail = page.locator('#detail');
  await until('the newest is shown in detail', async () => /^events\/orders:sent$/m.test(await detail.innerText()));
  const words = await detail.innerText();
  for (const part of ['signed with the mesh’s secret', 'order-7', effect, '"exact": 12345678901234567890', '"one": 1.0', 'application/json']) assert.ok(words.includes(part), `${part} in ${words}`);
  await page.keyboard.press('ArrowDown');
  await until('the arrow shows the one before', async () => /^events\/orders:paid$/m.test(await detail.innerText()));
  assert.equal(await detail.locator('.chain li').count(), 2, 'the tail has two of the three');
  await detail.getByRole('button', { name: 'Look through what the nodes keep' }).click();
  await until('the third is found on another instance', async () => (await detail.locator('.chain li').count()) === 3);
  const chain = await detail.locator('.chain li').allInnerTexts();
  assert.deepEqual(chain.map((line) => /\w+\/[\w:]+/.exec(line)[0]), ['events/orders:paid', 'audit/orders:booked', 'events/orders:sent']);
  assert.deepEqual(await detail.locator('.chain button').evaluateAll((all) => all.map((one) => one.dataset.depth)), ['0', '1', '2']);
  await picture(page, 'tail-detail-1440-dark');
  await page.keyboard.press('Escape');
  await until('Esc closes it', async () => detail.isHidden());

  // Whatever is in a message is text.
  await choose('events', '*');
  const before = await page.evaluate(() => document.querySelectorAll('script, img, svg, iframe, object, embed, link, style').length);
  const query = `?event=${encodeURIComponent(HARM)}&correlation_id=${encodeURIComponent(HARM)}`;
  const headers = { 'content-type': 'text/html', 'bellwether-header-x': HARM };
  const topic = '<img src=x onerror=alert(4)>';
  const response = await fetch(`${a}/v1/publish/events/${encodeURIComponent(topic)}${query}`, { method: 'POST', headers, body: HARM });
  assert.equal(response.status, 200, await response.text());
  await publish(b, 'events', encodeURIComponent('"onmouseover="alert(5)'), { [HARM]: HARM });
  await hears(topic);
  await hears('"onmouseover="alert(5)');
  for (const shown of [topic, '"onmouseover="alert(5)']) {
    await page.locator('#tail-rows .row').filter({ has: page.getByText(shown, { exact: true }) }).click();
    await until('its detail has its words as they are', async () => {
      const words = await detail.innerText();
      return words.includes(shown) && words.includes('<svg onload=alert(3)>');
    });
    assert.equal(await detail.locator('img, script, svg, iframe').count(), 0);
  }
  const all = await fetch(`${a}/v1/integration`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"enabled":true}' });
  assert.equal(all.status, 200);
  const alert = { alert_type: 'harm', severity: 'warning', message: HARM };
  const raised = await fetch(`${a}/v1/broadcast/alert`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(alert) });
  assert.equal(raised.status, 200, await raised.text());
  await until('an alert has its words as they are', async () => (await text(page, '#alerts-list')).includes('<svg onload=alert(3)>'));
  await until('and so has the first line', async () => (await text(page, '#findings')).includes('<svg onload=alert(3)>'));
  assert.equal(await page.evaluate(() => document.querySelectorAll('script, img, svg, iframe, object, embed, link, style').length), before, 'no element more');
  await picture(page, 'tail-harm-1440-dark');

  // The keys are listed, and a pattern that is none is told in the node's words.
  await page.keyboard.press('Escape');
  await page.locator('#tail-title').click();
  await page.keyboard.press('?');
  await until('the keys are listed', async () => /pause the tail/.test(await text(page, '#help')));
  await page.keyboard.press('Escape');
  await until('and put away', async () => !(await page.locator('#help').isVisible()));
  await page.keyboard.press('t');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
  watch.expectClean();
  await page.fill('#tail-pattern', 'orders:');
  await page.keyboard.press('Enter');
  await until('it is said what is wrong', async () => /pattern for events is wrong/.test(await text(page, '#tail-error')));
  watch.expectClean(/status of 400/);
} finally {
  await browser.close();
}
