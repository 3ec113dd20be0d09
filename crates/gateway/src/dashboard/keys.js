// The keyboard: what each key does, and the list of them.

import { byId, make } from './dom.js';

const SECTIONS = ['overview', 'members', 'alerts', 'instances', 'tail', 'subscriptions'];

export function listenToKeys(tail) {
  const help = byId('help');
  const go = (id) => {
    const section = byId(id);
    section.scrollIntoView();
    section.tabIndex = -1;
    section.focus({ preventScroll: true });
  };
  const actions = {
    '?': ['these keys', () => help.showModal()],
    '/': ['the pattern of the tail', () => tail.focusFilter()],
    ' ': ['pause the tail, or let it go on', () => tail.togglePause()],
    Escape: ['close the message', () => tail.closeDetail()],
    t: ['other colours', () => byId('theme').click()],
  };
  for (const [index, id] of SECTIONS.entries()) actions[index + 1] = [null, () => go(id)];

  const listed = [
    ...Object.entries(actions).filter(([, [words]]) => words !== null).map(([key, [words]]) => [key === ' ' ? 'space' : key, words]),
    [`1 to ${SECTIONS.length}`, SECTIONS.join(', ')],
    ['↑ ↓ Home End', 'another message, in the tail'],
    ['Enter', 'open it'],
  ];
  for (const [key, words] of listed) byId('keys').append(make('dt', {}, make('kbd', {}, key)), make('dd', {}, words));
  byId('help-open').addEventListener('click', () => help.showModal());

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    const isTyping = event.target.closest('input, select, textarea');
    // A button is pressed with space.
    if (event.key === ' ' && event.target.closest('button, a, input, select')) return;
    if (isTyping && event.key !== 'Escape') return;
    if (isTyping) event.target.blur();
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action[1]();
  });
}
