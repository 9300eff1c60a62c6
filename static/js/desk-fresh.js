// Cases that came while this desk was open carry a mark in the list until somebody opens them.

import { caseNumber } from "./desk-case.js";
import { say } from "./words.js";

const opened = new Set();
let before = null; // how late the latest case was when the desk was opened

/** The pulse names the newest case; the first one it names was here before. */
export function newestIs(number) {
  before ??= number ? age(number) : 0;
}

/** Mark the rows; a refreshed list has forgotten its marks. */
export function markFresh() {
  if (caseNumber()) opened.add(caseNumber());
  for (const { dataset, children } of document.querySelectorAll(".queue-row")) {
    const fresh = before !== null && age(dataset.number) > before && !opened.has(dataset.number);
    const title = [...children].find((child) => child.matches(".queue-title"));
    if (fresh) title.dataset.fresh = say("fresh");
    else delete title.dataset.fresh;
  }
}

/** HC-20261123-007: the day, then the count of that day. */
function age(number) {
  const [, day, count] = number.match(/(\d+)-(\d+)$/) ?? [0, 0, 0];
  return Number(day) * 1e6 + Number(count);
}
