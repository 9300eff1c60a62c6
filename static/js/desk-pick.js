// Several cases picked: how many, kept through every refresh of the list, and let go when something was done with them.

import { byId } from "./dom.js";
import { say } from "./words.js";

const boxes = () => [...document.querySelectorAll("#rows input[name=case]")];
const numberOf = ({ value }) => value.split(":")[0];
let picked = new Set();

/** Listen. */
export function startPicks() {
  byId("unpick").hidden = false;
  byId("unpick").addEventListener("click", unpick);
  document.addEventListener("change", ({ target }) => { if (target.matches("#rows input[name=case]")) note(); });
  document.addEventListener("htmx:after:swap", again);
  byId("bulk-done").addEventListener("click", (event) => {
    if (!event.target.closest("#bulk-known")) return;
    event.preventDefault();
    byId("bulk-done").replaceChildren();
  });
  note();
}

/** Pick a row, or let it go. */
export function pick(row, on) {
  const box = row?.closest("li")?.querySelector("input[name=case]");
  if (!box) return;
  box.checked = on ?? !box.checked;
  note();
}

function note() {
  picked = new Set(boxes().filter((box) => box.checked).map(numberOf));
  byId("picked").textContent = picked.size ? say("picked", { n: picked.size }) : "";
}

function again(event) {
  if (event.detail?.ctx?.target?.id === "bulk-done") return done();
  for (const box of boxes()) box.checked = picked.has(numberOf(box));
  note();
}

function done() {
  unpick();
  for (const fold of document.querySelectorAll("#bulk details")) fold.open = false;
  byId("bulk").reset();
  byId("bulk-done").querySelector("button, a")?.focus();
}

function unpick() {
  for (const box of boxes()) box.checked = false;
  note();
}
