// What the tail is told that it will not get, the newest first.

import { Children, byId, make, setHidden, setText } from './dom.js';
import { clock, count, plural } from './format.js';

/** The oldest go. */
const MOST_KEPT = 100;

const CAUSES = {
  slow_subscriber: 'this page read too slowly',
  disconnected: 'the stream was cut; it goes on where it stood',
  link_overrun: 'the link to their source was too slow',
  backlog_overrun: 'they left the backlog of their source meanwhile',
  restarted: 'they were in the memory of a run that is over',
  unverified: 'they are not as they were signed',
};

export class Gaps {
  #kept = [];
  #number = 0;
  #missing = 0;
  #rows = new Children(byId('gaps-list'), createGap);

  addGap(gap) {
    const number = `${gap.exact ? '' : 'up to '}${plural(gap.count, 'message')}`;
    const cause = CAUSES[gap.cause] ?? gap.cause;
    this.#missing += gap.count;
    this.#add('▲', `${number} of ${gap.instance} from ${gap.node} will not come: ${cause}.`, `${gap.cause}, numbers ${gap.first} to ${gap.last} of run ${gap.epoch}`);
  }

  addEpochEnded(ended) {
    const tail = ended.tail_unknown ? 'whether more came after it is not known' : 'nothing came after it';
    this.#add('○', `The run of ${ended.node} is over on ${ended.instance}: its last message here was ${ended.last_seq}, ${tail}.`, `run ${ended.epoch}`);
  }

  #add(glyph, words, facts) {
    this.#number += 1;
    this.#kept.unshift({ number: this.#number, at: Date.now(), glyph, words, facts });
    this.#kept.length = Math.min(this.#kept.length, MOST_KEPT);
  }

  show() {
    const none = { number: 0, at: null, glyph: '●', words: 'None so far.', facts: '' };
    this.#rows.show(this.#kept.length > 0 ? this.#kept : [none], (gap) => gap.number);
    const tally = byId('tally-gaps');
    setText(tally, count(this.#missing));
    setHidden(tally, this.#missing === 0);
  }
}

function createGap(gap) {
  const time = make('time', {}, gap.at === null ? '' : clock(gap.at));
  const element = make('li', {}, make('i', { 'aria-hidden': 'true' }, gap.glyph), time, make('span', {}, gap.words), make('small', { class: 'muted' }, gap.facts));
  return { element, update() {} };
}
