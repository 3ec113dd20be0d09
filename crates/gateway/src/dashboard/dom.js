// Elements: made, filled with text and kept in order. Whatever a node says becomes text, never HTML. And what the browser
// keeps for the page.

const SVG = 'http://www.w3.org/2000/svg';

export const byId = (id) => document.getElementById(id);

/** What was kept under a key, in `localStorage` or `sessionStorage`, or null. */
export function recall(storage, key) {
  try {
    return globalThis[storage].getItem(key);
  } catch {
    return null; // A browser may forbid it.
  }
}

export function remember(storage, key, text) {
  try {
    globalThis[storage].setItem(key, text);
  } catch {
    // Then it is so until the page is loaded again.
  }
}

/** An element with attributes (those that are null or false are left out) and children: elements or texts. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same of SVG. */
export function makeSvg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Touches the document only if it is another. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** Touches the document only if it is another. */
export function setText(element, text) {
  const wanted = String(text);
  const only = element.childNodes.length === 1 ? element.firstChild : null;
  if (only?.nodeType === Node.TEXT_NODE) {
    if (only.data !== wanted) only.data = wanted;
  } else if (wanted !== '' || element.firstChild) {
    element.textContent = wanted;
  }
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** The children of an element, one for each item, in the items' order; an item keeps its child as long as it is there. */
export class Children {
  #parent;
  #create;
  #shown = new Map();

  /** `create(item)` makes `{element, update(item)}`. */
  constructor(parent, create) {
    this.#parent = parent;
    this.#create = create;
  }

  show(items, keyOf) {
    const before = this.#shown;
    const shown = new Map();
    for (const item of items) {
      const key = keyOf(item);
      if (shown.has(key)) continue;
      const child = before.get(key) ?? this.#create(item);
      before.delete(key);
      child.update(item);
      shown.set(key, child);
    }
    for (const { element } of before.values()) element.remove();
    const held = this.#withFocus();
    let place = this.#parent.firstElementChild;
    for (const { element } of shown.values()) {
      if (element === place) place = place.nextElementSibling;
      // Moved, it would lose the focus: those in front of it move behind it instead.
      else if (element === held) place = held.nextElementSibling;
      else this.#parent.insertBefore(element, place);
    }
    this.#shown = shown;
  }

  /** The child that has the focus in it, or null. */
  #withFocus() {
    let element = document.activeElement;
    while (element && element.parentElement !== this.#parent) element = element.parentElement;
    return element;
  }
}

/** A row of a table with a cell for each label; `cells` are its elements. */
export function tableRow(labels, numbers = []) {
  const cells = labels.map((label) => make('td', { 'data-label': label, class: numbers.includes(label) ? 'number' : null }));
  return { element: make('tr', {}, ...cells), cells };
}
