// A user's own reports: the queue on this phone and what the desk said of the sent ones, in one list.

import * as account from "./account.js";
import * as api from "./api.js";
import * as store from "./store.js";
import { describeQueued, describeSent, titleOf } from "./states.js";

/** {items, waiting, sendable, foreign}: own reports newest first, how many wait, how many of those need no
 * decision first, and how many of other users are held here. */
export async function gather() {
  const [me, mustLogIn, queued, sent] = await Promise.all([
    account.known(), account.mustLogIn(), store.all("reports"), store.all("sent"),
  ]);
  const mine = queued.filter((report) => report.owner === me?.id);
  const known = new Map(sent.filter((entry) => entry.owner === me?.id).map((entry) => [entry.id, entry]));
  const items = [
    ...mine.map((report) => queuedItem(report, mustLogIn)),
    ...[...known.values()].filter(({ id }) => !mine.some((report) => report.id === id)).map(sentItem),
  ].sort((a, b) => (a.at < b.at ? 1 : -1));
  const sendable = mine.filter((report) => report.state !== "needs-help").length;
  return { me, items, waiting: mine.length, sendable, foreign: queued.length - mine.length };
}

function queuedItem(report, mustLogIn) {
  const { severity, captured_at } = report.body;
  return { id: report.id, title: titleOf(report), severity, at: asUtc(captured_at), ...describeQueued(report, mustLogIn) };
}

function sentItem(entry) {
  return { id: entry.id, title: titleOf(entry), severity: entry.severity, at: asUtc(entry.captured_at),
    status: entry.status, satisfied: entry.satisfied, ...describeSent(entry) };
}

const asUtc = (instant) => new Date(instant).toISOString(); // the server writes +08:00, the phone Z: one order for both

/** Ask the server for the own list and keep it for the next time without network. True when it answered. */
export async function refreshHistory() {
  const me = await account.known();
  if (!me) return false;
  const outcome = await api.call("GET", "/api/reports");
  if (!api.ok(outcome) || !Array.isArray(outcome.body?.items)) return false;
  const before = new Map((await store.all("sent")).map((entry) => [entry.id, entry]));
  await store.rememberSent(outcome.body.items.map((item) => ({ ...before.get(item.id), ...item, owner: me.id })));
  return true;
}
