// A user's own reports: the queue on this phone and what the desk said of the sent ones, in one list.

import * as account from "./account.js";
import * as api from "./api.js";
import * as store from "./store.js";
import { describeQueued, describeSent, titleOf } from "./states.js";

/** {me, items}: own reports, first those that need a decision, then the newest. */
export async function gather() {
  const [me, mustLogIn, queued, sent] = await Promise.all([
    account.known(), account.mustLogIn(), store.all("reports"), store.all("sent"),
  ]);
  const isMine = ({ owner }) => owner === me?.id;
  const mine = queued.filter(isMine);
  const here = new Set(mine.map(({ id }) => id));
  const items = [
    ...mine.map((report) => queuedItem(report, mustLogIn)),
    ...sent.filter((entry) => isMine(entry) && !here.has(entry.id)).map(sentItem),
  ].sort((a, b) => needsHelp(b) - needsHelp(a) || (a.at < b.at ? 1 : -1));
  return { me, items };
}

const needsHelp = ({ state }) => state === "needs-help";

function queuedItem(report, mustLogIn) {
  const { severity, captured_at } = report.body;
  return { id: report.id, title: titleOf(report), severity, at: asUtc(captured_at), ...describeQueued(report, mustLogIn) };
}

function sentItem(entry) {
  const { id, severity, captured_at, satisfied } = entry;
  return { id, title: titleOf(entry), severity, at: asUtc(captured_at), satisfied, ...describeSent(entry) };
}

const asUtc = (instant) => new Date(instant).toISOString(); // the server writes +08:00, the phone Z: one order for both

/** Ask the server for the own list and keep it for the next time without network. */
export async function refreshHistory() {
  const me = await account.known();
  const outcome = me && (await api.call("GET", "/api/reports"));
  if (!me || !api.ok(outcome) || !Array.isArray(outcome.body.items)) return;
  await store.rememberSent(outcome.body.items.map((item) => ({ ...item, owner: me.id })));
}
