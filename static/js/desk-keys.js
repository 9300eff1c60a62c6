// j and k move through the queue, Enter opens (a link does that by itself), ? explains.

import { byId } from "./dom.js";

const TYPING = "input, textarea, select, [contenteditable]";

/** Listen. */
export function startKeys() {
  byId("help-open").addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(TYPING)) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "?") help();
  });
}

function move(by) {
  const rows = [...document.querySelectorAll(".queue-row")];
  const here = rows.indexOf(document.activeElement);
  const start = here >= 0 ? here : rows.findIndex((row) => row.hasAttribute("aria-current"));
  const next = rows[start < 0 ? 0 : Math.min(Math.max(start + by, 0), rows.length - 1)];
  next?.focus();
}

function help() {
  const dialog = byId("help");
  if (!dialog.open) dialog.showModal();
}
