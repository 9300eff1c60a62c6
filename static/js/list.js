// The list of own reports, each line with its honest state in words beside icon and colour.

import { icon, make } from "./dom.js";
import { stateLine } from "./stateline.js";
import { when } from "./states.js";
import { say } from "./words.js";

const shown = new WeakMap(); // a line -> what it shows

/** Bring a list up to date with `items` of history.js. Lines that say the same stay the same elements, so that the
 * focus and a screen reader keep their place. */
export function drawLines(list, items) {
  const lines = new Map([...list.children].map((line) => [line.dataset.id, line]));
  const wanted = new Set(items.map(({ id }) => id));
  for (const [id, line] of lines) if (!wanted.has(id)) line.remove();
  items.forEach((item, at) => {
    const line = keep(lines.get(item.id), item);
    if (list.children[at] !== line) list.insertBefore(line, list.children[at] ?? null);
  });
}

function keep(line, item) {
  const facts = JSON.stringify(item);
  if (line && shown.get(line) === facts) {
    const time = line.querySelector(".line-time");
    if (time.textContent !== when(item.at)) time.textContent = when(item.at);
    return line;
  }
  const { id, state } = item;
  const fresh = make("li", { class: "line card", data: { id, state } }, linkTo(item), helpFor(id, state));
  shown.set(fresh, facts);
  const focused = line?.contains(document.activeElement);
  line?.replaceWith(fresh);
  if (focused) fresh.querySelector("a").focus();
  return fresh;
}

function linkTo(item) {
  const severity = item.severity && item.severity !== "blue"
    ? make("span", { class: "severity", data: { severity: item.severity }, text: say(`severity_${item.severity}`) }) : null;
  return make("a", { href: `/story?report=${item.id}` },
    make("span", { class: "line-title" }, item.title, " ", ...(severity ? [severity] : [])),
    make("span", { class: "line-time muted small", text: when(item.at) }),
    stateLine(item));
}

/** What a person can do about a report that does not go by itself, or null; the buttons come when their code is here. */
export function helpFor(id, state) {
  if (state !== "needs-help" && state !== "needs-login") return null;
  const ways = make("div", { class: "row" });
  import("./help.js").then(({ fillHelp }) => fillHelp(ways, id, state)).catch((error) => console.warn("help", error));
  return ways;
}
