// The ways out for a report that does not go by itself. Rarely needed, so not part of a first visit.

import * as account from "./account.js";
import { announce } from "./channel.js";
import { fill, icon, make } from "./dom.js";
import { exportReports } from "./export.js";
import { tryAgain } from "./filing.js";
import { drain } from "./outbox.js";
import * as store from "./store.js";
import { say } from "./words.js";

/** Fill `box` with what can be done about a report: each way is offered only where it leads somewhere. */
export async function fillHelp(box, id, state) {
  const report = (await store.queued()).find((one) => one.id === id);
  if (!report) return;
  const said = make("p", { role: "status" });
  const take = way("download", "export", async () => {
    await exportReports([report]);
    said.textContent = say("export_done");
  });
  const others = state === "needs-help" ? waysOn(report) : [];
  fill(box, ...others, take, said);
}

function waysOn(report) {
  const again = way("send", "try_again", async () => {
    await tryAgain(report.id);
    drain("force");
  });
  if (!report.receipt && report.case) return [again];
  if (!report.receipt) return [again, way("pen", "change", () => change(report.id))];
  const refused = Object.keys(report.refused);
  if (!refused.length) return [again];
  const onePhoto = refused.length === 1 && report.body.photos.some(({ id }) => id === refused[0]);
  return [again, way("close", onePhoto ? "drop_file" : "drop_files", () => goOnWithout(report.id, refused))];
}

async function goOnWithout(id, files) {
  for (const file of files) await store.dropRefused(id, file);
  announce();
  drain("force");
}

async function change(id) {
  const draft = await store.reopenAsDraft(id);
  if (draft) location.assign(`/report?draft=${draft.id}`);
  else announce();
}

const way = (sign, key, go) => make("button", { type: "button", class: "btn", on: { click: go } }, icon(sign), say(key));

/** Take along what other people left on this phone; what to do with it is said beside `button`. */
export async function exportForeign(button) {
  const me = await account.known();
  await exportReports((await store.queued()).filter(({ owner }) => owner !== me?.id));
  button.replaceWith(make("p", { role: "status", text: say("export_done") }));
}
