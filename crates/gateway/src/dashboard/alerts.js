// The alerts of the mesh, and taking one up.

import { Children, byId, make, recall, remember, setAttribute, setHidden, setText } from './dom.js';
import { clock, count, duration, plural } from './format.js';
import { createBadge } from './members.js';
import { getJson, postJson } from './node.js';

/** More are counted, not listed. */
const MOST_LISTED = 100;
const BY = 'bellwether.acknowledges_as';

const SEVERITIES = {
  critical: ['■', 'critical'],
  error: ['◆', 'error'],
  warning: ['▲', 'warning'],
  info: ['●', 'info'],
};

export class Alerts {
  /** All that the node remembers, open ones first. */
  known = [];
  #error = null;
  #rows = new Children(byId('alerts-list'), () => createAlert(() => this.load()));
  #invalidate;

  constructor(invalidate) {
    this.#invalidate = invalidate;
    byId('alerts-all').addEventListener('change', invalidate);
  }

  async load() {
    try {
      this.known = await getJson('v1/alerts?state=all');
      this.#error = null;
    } catch (err) {
      this.#error = err.message;
    }
    this.#invalidate();
  }

  show() {
    const all = byId('alerts-all').checked;
    const wanted = this.known.filter((alert) => all || alert.state !== 'cleared');
    this.#rows.show(wanted.slice(0, MOST_LISTED), (alert) => alert.alert_id);
    const open = this.known.filter((alert) => alert.state === 'open').length;
    const tally = byId('tally-alerts');
    setText(tally, count(open));
    setHidden(tally, open === 0);
    const unlisted = wanted.length > MOST_LISTED ? ` ${count(wanted.length - MOST_LISTED)} more are not listed.` : '';
    const words = wanted.length === 0 ? 'None: nobody has to do anything.' : `${plural(open, 'alert is', 'alerts are')} open.${unlisted}`;
    setText(byId('alerts-note'), this.#error === null ? words : `Not known: ${this.#error}`);
  }
}

function createAlert(reload) {
  const badge = createBadge();
  const title = make('strong');
  const state = make('span', { class: 'state' });
  const facts = make('p', { class: 'muted' });
  const taken = make('p', { class: 'taken' });
  const error = make('p', { class: 'error', role: 'alert', hidden: true });
  const by = make('input', { required: true, maxlength: 128, autocomplete: 'username', value: recall('localStorage', BY) ?? '' });
  const note = make('input', { maxlength: 500, autocomplete: 'off', placeholder: 'what you will do' });
  const form = make('form', { class: 'tools', hidden: true }, make('label', {}, 'As ', by), make('label', { class: 'wide' }, 'Note ', note),
    make('button', { class: 'primary' }, 'Acknowledge'), make('button', { type: 'button', class: 'cancel' }, 'Cancel'));
  const open = make('button', { type: 'button' }, 'Acknowledge…');
  const element = make('li', {}, make('div', { class: 'line' }, badge.element, title, state, open), facts, taken, form, error);
  let id = null;
  const toggle = (isOpen) => {
    setHidden(form, !isOpen);
    setHidden(open, isOpen);
    (isOpen ? by : open).focus();
  };
  open.addEventListener('click', () => toggle(true));
  form.querySelector('.cancel').addEventListener('click', () => toggle(false));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    setHidden(error, true);
    try {
      await postJson(`v1/alerts/${encodeURIComponent(id)}/acknowledge`, { by: by.value.trim(), note: note.value.trim() || null });
      remember('localStorage', BY, by.value.trim());
      setHidden(form, true);
      reload();
    } catch (err) {
      setText(error, `Not acknowledged: ${err.message}`);
      setHidden(error, false);
    }
  });
  return {
    element,
    update(alert) {
      id = alert.alert_id;
      setAttribute(element, 'data-alert', alert.state);
      setAttribute(element, 'data-key', alert.key);
      badge.update(alert.severity, SEVERITIES[alert.severity] ?? ['?', alert.severity]);
      setText(title, alert.title);
      setText(state, alert.state === 'open' ? `open for ${duration(Date.now() - Date.parse(alert.raised_at))}` : alert.state);
      const often = alert.count > 1 ? `, ${count(alert.count)} times, last at ${clock(alert.last_seen)}` : '';
      setText(facts, `${alert.key}, raised at ${clock(alert.raised_at)} by ${alert.source} on ${alert.node}${often}${alert.level === 'initial' ? '' : `, level ${alert.level}`}`);
      const did = [alert.ack_note, alert.resolution].filter(Boolean).join('; ');
      setText(taken, alert.acknowledged_by ? `Taken up by ${alert.acknowledged_by}${did ? `: ${did}` : ''}` : '');
      setHidden(taken, !alert.acknowledged_by);
      const isOpen = alert.state === 'open';
      if (!isOpen) setHidden(form, true);
      setHidden(open, !isOpen || !form.hidden);
    },
  };
}
