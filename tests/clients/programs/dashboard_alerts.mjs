// An alert is raised by publishing it and taken up by a click, and every node knows: dashboard_alerts.mjs A B
import assert from 'node:assert/strict';
import { open, picture, text, until } from './dashboard_page.mjs';

const [a, b] = process.argv.slice(2);
const json = (method, body) => ({ method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
for (const url of [a, b]) assert.equal((await fetch(`${url}/v1/integration`, json('PUT', { enabled: true }))).status, 200);

const { browser, page, watch } = await open(a);
try {
  const alert = { alert_type: 'disk_full', severity: 'critical', message: 'The disk of the archive is full' };
  const raised = await fetch(`${b}/v1/broadcast/alert`, json('POST', alert));
  assert.equal(raised.status, 200, await raised.text());
  const row = page.locator('#alerts-list li').filter({ hasText: 'The disk of the archive is full' });
  await until('the alert is listed', async () => /critical/.test(await row.innerText()));
  await until('it is the first thing that is said', async () => /An alert is open \(critical\): The disk of the archive is full/.test(await text(page, '#findings')));
  assert.equal(await text(page, '#tally-alerts'), '1');
  await until('it is counted', async () => /1$/.test(await text(page, '[data-figure=alerts]')));
  await picture(page, 'alerts-open-1440-light');

  await row.getByRole('button', { name: 'Acknowledge…' }).click();
  assert.equal(await page.evaluate(() => document.activeElement.closest('li') !== null), true, 'one can type at once');
  await page.keyboard.type('night shift');
  await row.getByLabel('Note').fill('making room');
  await row.getByRole('button', { name: 'Acknowledge', exact: true }).click();
  await until('it is taken up', async () => /Taken up by night shift: making room/.test(await row.innerText()));
  await until('nothing is open', async () => !(await text(page, '#findings')).includes('The disk of the archive'));
  await until('the other node knows', async () => {
    const known = await (await fetch(`${b}/v1/alerts?state=acknowledged`)).json();
    return known.some((one) => one.acknowledged_by === 'night shift' && one.ack_note === 'making room');
  });
  await picture(page, 'alerts-taken-up-1440-light');
  watch.expectClean();
} finally {
  await browser.close();
}
