// The list of own reports, each line with its honest state in words beside icon and colour.

import { icon, make } from "./dom.js";
import { tryAgain } from "./filing.js";
import { drain } from "./outbox.js";
import { stateLine } from "./stateline.js";
import { when } from "./states.js";
import * as store from "./store.js";
import { say } from "./words.js";

/** The lines for `items` of history.js. */
export function lines(items) {
  return items.map((item) => make("li", { class: "line card", data: { id: item.id, state: item.state } },
    linkTo(item), item.state === "needs-help" ? helpButtons(item.id) : null));
}

function linkTo(item) {
  const severity = item.severity && item.severity !== "blue"
    ? make("span", { class: "severity", data: { severity: item.severity }, text: say(`severity_${item.severity}`) }) : null;
  return make("a", { href: `/story?report=${item.id}` },
    make("span", { class: "line-title" }, item.title, " ", ...(severity ? [severity] : [])),
    make("span", { class: "line-time muted small", text: when(item.at) }),
    stateLine(item));
}

/** What a person can do about a refused report: try again, or take it along as a file. */
export function helpButtons(id) {
  const again = async () => {
    await tryAgain(id);
    drain("force");
  };
  const take = async () => {
    const report = await store.get("reports", id);
    const { exportReport } = await import("./export.js"); // rarely needed, so not part of the first visit
    if (report) await exportReport(report);
  };
  return make("div", { class: "row" },
    make("button", { type: "button", class: "btn", on: { click: again } }, icon("send"), say("try_again")),
    make("button", { type: "button", class: "btn", on: { click: take } }, icon("download"), say("export")));
}
