// The colours: as the system has them, or as somebody chose. Runs before the first paint, so that nothing flashes.
'use strict';
{
  const KEY = 'bellwether.theme';
  const THEMES = ['auto', 'light', 'dark'];
  const root = document.documentElement;

  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // A browser may forbid it.
    }
  };
  const show = (theme) => {
    root.dataset.theme = THEMES.includes(theme) ? theme : 'auto';
    document.dispatchEvent(new Event('themechange'));
  };

  show(stored());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => show(root.dataset.theme));
  document.addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme');
    const label = () => {
      button.textContent = { auto: 'Auto', light: 'Light', dark: 'Dark' }[root.dataset.theme];
    };
    label();
    button.addEventListener('click', () => {
      show(THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length]);
      try {
        localStorage.setItem(KEY, root.dataset.theme);
      } catch {
        // Then it is so until the page is loaded again.
      }
      label();
    });
  });
}
