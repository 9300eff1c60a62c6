// The few DOM helpers the pages share. Text goes in as text, never as HTML.

import { SPRITE } from "./words.js";

export const byId = (id) => document.getElementById(id);

/** Build an element; `attributes` may hold text, class, on (listeners), data (dataset) and any attribute. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  const { text, on = {}, data = {}, ...rest } = attributes;
  for (const [name, value] of Object.entries(rest)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  Object.assign(element.dataset, data);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  if (text != null) element.append(String(text));
  element.append(...children.filter((child) => child != null));
  return element;
}

/** An icon of the sprite, silent for screen readers: a word always stands beside it. */
export function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** Show or hide, and set the text of the element's .grow part (or of itself). */
export function tell(element, text) {
  element.hidden = !text;
  if (text) (element.querySelector(".grow") ?? element).textContent = text;
}

/** Replace all children in one go. */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child != null));
}
