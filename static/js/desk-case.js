// The open case: it follows what happens, but never under somebody's hands.

import { byId } from "./dom.js";

let shown = document.querySelector("#case article[data-number]")?.dataset.number ?? null;

let stood = null; // the article as it was put there; a refresh changes it in place, an answer brings another
let acting = false;
document.addEventListener("htmx:before:request", ({ detail }) => {
  acting ||= Boolean(detail?.ctx?.sourceElement?.matches?.("#case form"));
});

// a form that was opened while the refresh was on its way would be folded up under the hand that is in it
document.addEventListener("htmx:before:swap", (event) => {
  const { target, swap } = event.detail?.ctx ?? {};
  const article = openCase();
  if (target?.id !== "case" || swap !== "innerMorph" || !article || !inUse(article)) return;
  event.preventDefault();
  byId("news").hidden = false;
});

/** The article of the open case, if there is one. */
export const openCase = () => document.querySelector("#case article[data-number]");

/** Its number, or null. */
export const caseNumber = () => openCase()?.dataset.number ?? null;

/** The server's mark for the open case differs from what is shown: refresh, or say so when a form is in use. */
export function caseChanged(mark) {
  const article = openCase();
  if (!article || !mark || article.dataset.stamp === mark) return;
  if (inUse(article)) byId("news").hidden = false;
  else htmx.ajax("GET", byId("news").querySelector("a").getAttribute("href"), { target: "#case", swap: "innerMorph" });
}

/** Mark the row of the open case and name it in the tab; one that was just opened is read from its top. */
export function caseOpened() {
  const number = caseNumber();
  const another = openCase() !== stood;
  name();
  if (number !== shown) show(number);
  else if (acting && another) openCase()?.querySelector(".case-title").focus(); // the button that was pressed is gone
  if (another) acting = false; // the list may be put in anew while the answer is on its way
  stood = openCase();
  for (const row of document.querySelectorAll(".queue-row")) {
    if (row.dataset.number === number) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

/** The tab says which case is open, behind the count of what is new (desk-alarm.js). */
function name() {
  const count = document.title.match(/^\(\d+\) /)?.[0] ?? "";
  const title = openCase()?.dataset.heading;
  document.title = `${count}${title ? `${title} · ` : ""}${byId("desk").dataset.title}`;
}

function show(number) {
  shown = number;
  byId("case").scrollTop = 0;
  if (byId("worklist").checkVisibility()) return;
  scrollTo(0, 0); // on a narrow screen the case takes the list's place, and the row that had the focus is gone
  openCase()?.querySelector(".case-title").focus();
}

function inUse(article) {
  const fields = [...article.querySelectorAll("textarea, select, input:not([type=hidden])")];
  const playing = [...article.querySelectorAll("audio")].some((audio) => !audio.paused);
  return playing || Boolean(article.querySelector("details[open]")) || fields.some(dirty);
}

function dirty(field) {
  if (field === document.activeElement) return true;
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") return false; // only inside an open form, which counts already
  return field.value !== field.defaultValue;
}
