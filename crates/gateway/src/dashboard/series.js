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

  /** Adds the values of the seconds up to `last` to those of `sums`, where it has one; of two unknown ones nothing is known. */
  addTo(sums, last) {
    if (this.#last === null) return;
    const first = last - LENGTH + 1;
    const to = Math.min(last, this.#last);
    for (let second = Math.max(first, this.#last - LENGTH + 1); second <= to; second += 1) {
      const value = this.#values[second % LENGTH];
      if (value !== value) continue;
      const sum = sums[second - first];
      sums[second - first] = sum === sum ? sum + value : value;
    }
  }
}

/** The sums of series at each of the seconds up to `last`. */
export function sums(series, last, into = new Float64Array(LENGTH)) {
  into.fill(NaN);
  for (const one of series) one.addTo(into, last);
  return into;
}
