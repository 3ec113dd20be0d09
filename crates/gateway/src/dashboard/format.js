// Figures and times in words, all in the reader's own zone.

const COUNT = new Intl.NumberFormat('en');
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Every digit: `1,204`. */
export const count = (number) => COUNT.format(number);

/** Three digits that matter: `0.4`, `12`, `1.2k`. */
export function rate(number) {
  if (!Number.isFinite(number)) return '–';
  if (number >= 999_500) return `${(number / 1e6).toPrecision(3)}M`;
  if (number >= 9_995) return `${(number / 1e3).toPrecision(3)}k`;
  if (number >= 9.95) return COUNT.format(Math.round(number));
  return number < 0.05 ? '0' : number.toFixed(1);
}

export function bytes(number) {
  if (!Number.isFinite(number)) return '–';
  let unit = 0;
  while (number >= 1000 && unit < UNITS.length - 1) {
    number /= 1024;
    unit += 1;
  }
  return `${unit === 0 || number >= 99.5 ? Math.round(number) : number.toPrecision(number >= 9.95 ? 2 : 2)} ${UNITS[unit]}`;
}

/** Of microseconds: `0.21 ms`. */
export function roundTrip(microseconds) {
  const milliseconds = microseconds / 1000;
  if (milliseconds >= 99.5) return `${COUNT.format(Math.round(milliseconds))} ms`;
  return `${milliseconds >= 9.95 ? milliseconds.toFixed(0) : milliseconds.toFixed(milliseconds < 1 ? 2 : 1)} ms`;
}

/** The two largest units: `3 d 4 h`, `12 min 5 s`, `4 s`. */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

const two = (number) => String(number).padStart(2, '0');

/** `03:12:04`, with the day if it is not today's. */
export function clock(time) {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return '–';
  const text = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? text : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${text}`;
}

/** `03:12:04.250`. */
export function exactClock(time) {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? '–' : `${clock(time)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** `a`, `a and b`, `a, b and 3 more`. */
export function list(names, most = 4) {
  const shown = names.length > most ? [...names.slice(0, most - 1), `${names.length - most + 1} more`] : names;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
