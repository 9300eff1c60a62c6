// The list follows what happens, but nothing moves under a pointer, a finger or the keyboard's focus: there, rows change
// where they stand, and what is new is held back and announced.

import { tick } from "./countdown.js";
import { byId } from "./dom.js";
import { say } from "./words.js";

const SETTLED_MS = 1500;
const TIMEOUT_MS = 15_000;
let asking = false;
let again = false; // something changed while the last answer was on its way
let wait = null;
let after = () => {};

/** Listen; `marked` is called when rows were changed where they stand. */
export function startLive(marked) {
  after = marked;
  document.body.addEventListener("desk:changed", changed);
  document.addEventListener("htmx:before:swap", (event) => {
    if (event.detail?.ctx?.sourceElement?.id !== "worklist" || !inHand()) return;
    event.preventDefault(); // it was asked for before somebody took the list in hand
    changed();
  });
  document.addEventListener("click", ({ target }) => { if (target.closest?.("#held")) letGo(target); });
  for (const kind of ["pointerout", "focusout", "toggle", "scrollend"]) document.addEventListener(kind, later, true);
}

/** Somebody points at it, stands in it, is choosing a filter, or has scrolled into it. */
function inHand() {
  const rows = byId("rows");
  return rows.matches(":hover") || rows.parentElement.contains(document.activeElement)
    || Boolean(document.querySelector("#filter[open]")) || rows.getBoundingClientRect().top < 0;
}

function changed() {
  if (inHand()) hold();
  else show();
}

function show() {
  byId("held").hidden = true;
  htmx.trigger(byId("worklist"), "desk:show");
}

function letGo(button) {
  button.blur();
  if (byId("rows").getBoundingClientRect().top < 0) byId("worklist").scrollIntoView();
  show();
}

/** What was held back comes by itself once nobody has the list in hand. */
function later() {
  if (byId("held").hidden) return;
  clearTimeout(wait);
  wait = setTimeout(() => { if (!byId("held").hidden && !inHand()) show(); }, SETTLED_MS);
}

async function hold() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    do {
      again = false;
      const answer = await fetch(address(), {
        headers: { "HX-Request": "true" }, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (answer.ok) compare(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } while (again);
  } catch {
    // the next pulse says that the line is down, or asks again
  } finally {
    asking = false;
  }
}

function address() {
  const path = byId("worklist").getAttribute("hx-get");
  const rows = document.querySelectorAll(".queue-row").length;
  return rows > 50 ? `${path}${path.includes("?") ? "&" : "?"}limit=${rows}` : path;
}

/** Numbers and rows take their new words where they stand; the rest is counted. */
function compare(next) {
  const anchor = inSight();
  const y = anchor?.getBoundingClientRect().top;
  for (const lane of next.querySelectorAll(".lanes a")) renew(byId(lane.id), lane);
  renew(document.querySelector(".numbers"), next.querySelector(".numbers"));
  const rows = [...next.querySelectorAll("#rows > li[id^=row-]")];
  const fresh = rows.filter((row) => !byId(row.id)).length;
  for (const row of rows) if (byId(row.id)) renewRow(byId(row.id), row);
  const order = (root) => [...root.querySelectorAll("#rows > li[id^=row-]")].map(({ id }) => id).join();
  const moved = order(next) !== order(document);
  const held = byId("held");
  if (moved) held.textContent = fresh ? say("held_new", { n: fresh }) : say("held_moved");
  held.hidden = !moved;
  tick();
  after();
  const off = anchor ? anchor.getBoundingClientRect().top - y : 0;
  if (Math.abs(off) >= 0.5) scrollBy({ top: off, behavior: "instant" });
}

/** The row that must stay where it is. */
function inSight() {
  const rows = byId("rows");
  if (rows.contains(document.activeElement)) return document.activeElement.closest("li");
  return rows.querySelector("li:hover") ?? [...rows.children].find((row) => row.getBoundingClientRect().bottom > 0);
}

function renew(here, next) {
  if (!here || !next || here.innerHTML === next.innerHTML) return;
  here.className = next.className;
  here.replaceChildren(...next.childNodes);
}

function renewRow(here, next) {
  const [tickHere, tickNext] = [here, next].map((row) => row.querySelector("input[name=case]"));
  if (tickHere && tickNext) tickHere.value = tickNext.value;
  here.style.minHeight = `${here.getBoundingClientRect().height}px`; // where nothing is scrolled, shrinking cannot be made up for
  renew(here.querySelector(".queue-row"), next.querySelector(".queue-row"));
}
