// The whole desk by keys: through the list, a case's forms by letters, several picked at once; ? explains.

import { byId } from "./dom.js";
import { openCase } from "./desk-case.js";
import { pick } from "./desk-pick.js";

const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const ACTIONS = {
  a: ["accept"], d: ["dispatch", "reinforce"], c: ["classify"], m: ["merge"], f: ["report_outcome"], v: ["verify"],
  w: ["close"], n: ["decline"], b: ["return"], r: ["reopen"], p: ["park"], e: ["reinforce"],
};
const KEYS = {
  j: () => move(1), k: () => move(-1), J: () => extend(1), K: () => extend(-1), "?": help,
  x: () => pick(document.activeElement), "/": () => document.querySelector("#search [name=q]").focus(),
  l: () => (here() ?? rows()[0])?.focus(), u: () => byId("undo")?.click(), Escape: back,
};

const rows = () => [...document.querySelectorAll(".queue-row")];
const here = () => document.querySelector(".queue-row[aria-current]");

/** Listen. */
export function startKeys() {
  byId("help-open").addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || byId("help").open) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return send(event.target);
    if (event.ctrlKey || event.metaKey) return;
    if (event.target.matches(TYPING) && event.key !== "Escape") return;
    const act = KEYS[event.key] ?? (ACTIONS[event.key] && (() => begin(ACTIONS[event.key])));
    if (!act) return;
    if (event.key.length === 1) event.preventDefault(); // the letter must not land in the field that gets the focus
    act();
  });
}

function move(by) {
  const all = rows();
  const at = all.indexOf(document.activeElement);
  const start = at >= 0 ? at : all.indexOf(here());
  const next = all[start < 0 ? 0 : Math.min(Math.max(start + by, 0), all.length - 1)];
  next?.focus();
}

function extend(by) {
  pick(document.activeElement, true);
  move(by);
  pick(document.activeElement, true);
}

/** Open the form of the first of these actions that can be done now, with the focus in its first field; what needs no
    words is at its button, for Enter. Calling somebody again, beside a name, is no sending (.sent). */
function begin(actions) {
  const offered = (action) => openCase()?.querySelector(`form:not(.sent form):has(input[name=action][value=${action}])`);
  const form = actions.map(offered).find(Boolean);
  if (!form) return;
  const fold = form.closest("details");
  if (fold) fold.open = true;
  form.querySelector(`${fold ? "select, textarea, input:not([type=hidden]), " : ""}button`)?.focus();
}

/** From a field to the case, from the case to its row in the list. */
function back() {
  const title = openCase()?.querySelector(".case-title");
  if (title && document.activeElement.closest("#case form")) title.focus();
  else if (here()?.checkVisibility()) here().focus();
  else document.querySelector("#case .only-narrow")?.click();
}

function send(target) {
  target.closest("form")?.requestSubmit();
}

function help() {
  const dialog = byId("help");
  if (!dialog.open) dialog.showModal();
}
