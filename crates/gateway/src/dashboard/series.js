// The last five minutes of a figure, one value a second. Takes the same memory from its first value on.

/** Seconds. */
export const LENGTH = 300;
/** Snapshots come once a second, though not to the millisecond: what is missing between two is as it was then. */
const MOST_FILLED = 4;

export class Series {
  #values = new Float64Array(LENGTH).fill(NaN);
  #last = null;

  put(second, value) {
    if (this.#last !== null && second < this.#last) return;
    const missing = this.#last === null ? 0 : Math.min(second - this.#last - 1, LENGTH);
    for (let back = 1; back <= missing; back += 1) {
      this.#values[(second - back) % LENGTH] = missing < MOST_FILLED ? value : NaN;
    }
    this.#values[second % LENGTH] = value;
    this.#last = second;
  }

  /** Not a number where nothing is known. */
  at(second) {
    if (this.#last === null || second > this.#last || second <= this.#last - LENGTH) return NaN;
    return this.#values[second % LENGTH];
  }
}

/** The sums of series at each of the seconds up to `last`; a series that has no value there adds none. */
export function sums(series, last, into = new Float64Array(LENGTH)) {
  for (let place = 0; place < LENGTH; place += 1) {
    const second = last - LENGTH + 1 + place;
    let sum = NaN;
    for (const one of series) {
      const value = one.at(second);
      if (!Number.isNaN(value)) sum = Number.isNaN(sum) ? value : sum + value;
    }
    into[place] = sum;
  }
  return into;
}
