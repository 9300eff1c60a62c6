// The open case: it follows what happens, but never under somebody's hands.

import { byId } from "./dom.js";

/** The article of the open case, if there is one. */
export const openCase = () => document.querySelector("#case article[data-number]");

/** Its number, or null. */
export const caseNumber = () => openCase()?.dataset.number ?? null;

/** The server's mark for the open case differs from what is shown: refresh, or say so when a form is in use. */
export function caseChanged(mark) {
  const article = openCase();
  if (!article || !mark || article.dataset.stamp === mark) return;
  if (inUse(article)) byId("news").hidden = false;
  else htmx.ajax("GET", `/desk/cases/${article.dataset.number}`, { target: "#case", swap: "innerMorph" });
}

/** Mark the row of the open case, and bring the case into view on a narrow screen. */
export function caseOpened() {
  const number = caseNumber();
  for (const row of document.querySelectorAll(".queue-row")) {
    if (row.dataset.number === number) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
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
