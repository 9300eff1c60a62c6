// The few DOM helpers the pages share. Text goes in as text, never as HTML.

import { SPRITE } from "./words.js";

export const byId = (id) => document.getElementById(id);

byId("slow")?.remove(); // scripts run here

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

/** An address for a stored file's bytes. */
export const addressOf = ({ data, type }) => URL.createObjectURL(new Blob([data], { type }));

/** A picture, or its name where this browser cannot draw it (HEIC). */
export function picture(src, words) {
  const name = () => make("span", { class: "unseen" }, icon("image"), words);
  return make("img", { src, alt: words, on: { error: ({ target }) => target.replaceWith(name()) } });
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

/** The first button in `box` (a <details>) does what cannot be undone, the second folds the question up. */
export function sure(box, act) {
  const [yes, no] = box.querySelectorAll("button");
  yes.addEventListener("click", act);
  no.addEventListener("click", () => { box.open = false; });
  box.addEventListener("toggle", () => box.scrollIntoView({ block: "nearest" }));
}
