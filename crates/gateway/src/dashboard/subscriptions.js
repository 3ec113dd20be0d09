// Who receives what: the subscriptions of this node with what waits for them, what peers want, and how the subscriptions of
// stores are, with their breakers.

import { Children, byId, make, setAttribute, setHidden, setText, tableRow } from './dom.js';
import { bytes, clock, count, plural } from './format.js';
import { createBadge } from './members.js';
import { getJson } from './node.js';

/** More are counted, not listed. */
const MOST_LISTED = 200;
/** Stores that are looked into. */
const MOST_STORES = 50;

const STATES = {
  healthy: ['●', 'healthy'],
  registering: ['○', 'registering'],
  degraded: ['▲', 'degraded'],
  failed: ['✕', 'failed'],
  unknown: ['?', 'unknown'],
};
const BREAKERS = { closed: ['●', 'closed'], half_open: ['▲', 'half open'], open: ['✕', 'open'] };

export class Subscriptions {
  /** Those of stores that are degraded or failed: `{store, record}`. */
  unhealthy = [];
  breakers = [];
  #subscribers = [];
  #health = [];
  #error = null;
  #invalidate;
  #rows = new Children(byId('subscribers-table').tBodies[0], createSubscriber);
  #healthRows = new Children(byId('health-table').tBodies[0], createHealth);

  constructor(invalidate) {
    this.#invalidate = invalidate;
  }

  async load() {
    try {
      const [subscribers, stores, breakers] = await Promise.all(['v1/subscribers', 'v1/subscription_health', 'v1/circuit_breakers'].map(getJson));
      const health = [];
      for (const { store } of stores.slice(0, MOST_STORES)) {
        const { subscriptions } = await getJson(`v1/subscription_health/${encodeURIComponent(store)}`);
        for (const record of subscriptions) health.push({ store, record });
      }
      this.#health = health;
      this.breakers = breakers;
      this.unhealthy = health.filter(({ record }) => record.current_status === 'failed' || record.current_status === 'degraded');
      this.#subscribers = subscribers.sort((a, b) => (b.queue_messages ?? -1) - (a.queue_messages ?? -1));
      this.#error = null;
    } catch (err) {
      this.#error = err.message;
    }
    this.#invalidate();
  }

  show(viewer) {
    const rows = this.#subscribers.slice(0, MOST_LISTED);
    // Two of one node may be alike in all that is told of them.
    const seen = new Map();
    const keys = new Map(rows.map((row) => {
      const text = `${row.node} ${row.instance} ${row.patterns.join(' ')}`;
      const number = (seen.get(text) ?? 0) + 1;
      seen.set(text, number);
      return [row, `${number} ${text}`];
    }));
    this.#rows.show(rows, (row) => keys.get(row));
    const guarded = this.#health.map(({ store, record }) => {
      const guards = ({ guards }) => guards?.store === store && guards?.subscription === record.subscription_name;
      return { key: `${store} ${record.subscription_name}`, name: `${record.subscription_name} of ${store}`, record, breaker: this.breakers.find(guards) ?? null };
    });
    const free = this.breakers.filter((breaker) => !guarded.some((row) => row.breaker === breaker));
    const alone = free.map((breaker) => ({ key: `breaker ${breaker.service}`, name: breaker.service, record: null, breaker }));
    const health = [...guarded, ...alone].slice(0, MOST_LISTED);
    this.#healthRows.show(health, ({ key }) => key);
    setHidden(byId('health-table'), health.length === 0);
    const unlisted = this.#subscribers.length > MOST_LISTED ? ` ${count(this.#subscribers.length - MOST_LISTED)} more are not listed.` : '';
    const own = this.#subscribers.filter((row) => row.queue_messages !== null).length;
    const words = `${plural(own, 'subscription')} on ${viewer ?? 'this node'}, with what waits for them; of its peers, what they want.${unlisted}`;
    setText(byId('subscriptions-note'), this.#error === null ? words : `Not known: ${this.#error}`);
  }
}

function createSubscriber() {
  const { element, cells } = tableRow(['Node', 'Instance', 'Patterns', 'Lag, messages', 'Lag, bytes'], ['Lag, messages', 'Lag, bytes']);
  const [node, instance, patterns, messages, size] = cells;
  return {
    element,
    update(row) {
      setText(node, row.node);
      setText(instance, row.instance);
      setText(patterns, row.patterns.join('  '));
      setText(messages, row.queue_messages === null ? 'its own' : count(row.queue_messages));
      setText(size, row.queue_bytes === null ? '' : bytes(row.queue_bytes));
      setAttribute(element, 'data-quiet', row.queue_messages === null);
    },
  };
}

function createHealth() {
  const { element, cells } = tableRow(['State', 'Subscription', 'Deliveries', 'Breaker', 'Last told', 'Errors', 'Last error'], ['Errors']);
  const [state, name, emission, guard, told, errors, error] = cells;
  const [badge, breakerBadge] = [createBadge(), createBadge()];
  const trips = make('small');
  state.append(badge.element);
  guard.append(breakerBadge.element, trips);
  return {
    element,
    update({ name: text, record, breaker }) {
      setText(name, text);
      setHidden(badge.element, record === null);
      if (record) badge.update(record.current_status, STATES[record.current_status] ?? ['?', record.current_status]);
      setText(emission, record?.emission ?? '–');
      setHidden(breakerBadge.element, breaker === null);
      if (breaker) breakerBadge.update(breaker.state, BREAKERS[breaker.state] ?? ['?', breaker.state]);
      setText(trips, breaker ? ` opened ${plural(breaker.statistics.trips, 'time')}, ${count(breaker.statistics.refused)} refused` : 'none on this node');
      setText(told, record ? `${record.last_event} at ${clock(record.last_seen)}` : '–');
      setText(errors, record ? count(record.error_count) : '–');
      setText(error, record?.last_error ?? '–');
    },
  };
}
