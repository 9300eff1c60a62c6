// The order of sending, and nothing else: what an answer means is policy.js, what lies where is store.js.
//
// saved → sending → text-received → (sent: complete); on the side needs-login, needs-help, other-user.
// One step is one request. The next step is chosen anew each time, so that a fresh text never waits for photos
// and one bad report never blocks the others.

import * as account from "./account.js";
import * as api from "./api.js";
import { sha256 } from "./canonical.js";
import { announce, onChange } from "./channel.js";
import { alone } from "./lock.js";
import * as policy from "./policy.js";
import * as store from "./store.js";

const DEAD_LINE = 2; // requests without any answer after which a round ends
const STRENGTH = ["timer", "eager", "force"];

let running = null;
let again = null;
let uploading = null; // {owner, abort}: the file on its way

onChange(() => { if (uploading) makeWay(uploading).catch(() => {}); });

/** A fresh text of the same person, from whichever tab, takes the place of a photo that may hang for minutes. */
async function makeWay({ owner, abort }) {
  const isFresh = (report) => report.owner === owner && report.state === "saved" && report.tries === 0;
  const all = await store.queued();
  if (all.some((report) => isFresh(report) && policy.isNext(report, all))) abort.abort();
}

/** Send what can be sent. Calls while sending are remembered, never run in parallel. */
export function drain(mode = "timer") {
  if (running) {
    again = STRENGTH.indexOf(mode) > STRENGTH.indexOf(again) ? mode : again;
    return running;
  }
  running = alone((grip) => round(mode, grip))
    .catch((error) => console.warn("outbox", error)) // the store failed; everything is still in it
    .finally(() => {
      running = null;
      const next = again;
      again = null;
      if (next) drain(next);
    });
  return running;
}

/** {me, waiting, foreign}: how many reports and steps of this phone's user still go by themselves, and how many of other
 * users are held here. After a logout nothing is anybody's own. */
export async function counts() {
  const [me, queued] = await Promise.all([account.known(), store.queued()]);
  const mine = queued.filter(({ owner }) => owner === me?.id);
  const waiting = mine.filter(({ state }) => state !== "needs-help").length;
  return { me, waiting, foreign: queued.length - mine.length };
}

async function round(mode, grip) {
  await wakeUp();
  const me = await whoSends(mode);
  const tried = new Set();
  const yielded = new Set();
  for (let dead = 0; me && dead < DEAD_LINE && !grip.lost; ) {
    const report = await nextReady(me, mode, tried);
    if (!report) return;
    const { verdict, why } = await step(report);
    if (verdict === "login") return;
    if (verdict === "retry" || verdict === "other-user" || yielded.has(report.id)) tried.add(report.id);
    if (verdict === "yield") yielded.add(report.id);
    dead = policy.isDeadLine(why) ? dead + 1 : 0;
  }
}

/** We are the one sender, so whoever marked these as being sent is gone. */
async function wakeUp() {
  const stale = (await store.queued()).filter((report) => report.state === "sending");
  for (const { id } of stale) await store.changeReport(id, policy.rested);
}

/** The user to send for, or null while somebody has to log in first. */
async function whoSends(mode) {
  if (!(await account.mustLogIn())) return account.known();
  if (mode === "timer") return null;
  const { me, fresh } = await account.refresh();
  return fresh ? me : null;
}

/** Only ever what is the user's who is logged in: another's waits for its owner. */
async function nextReady(me, mode, tried) {
  const now = Date.now();
  const all = await store.queued();
  const ready = all.filter((report) => report.owner === me.id && !tried.has(report.id)
    && policy.isReady(report, now, mode) && policy.isNext(report, all));
  return policy.inOrder(ready)[0];
}

/** One request for one report; returns the decision. */
async function step(report) {
  const [fileId] = policy.filesToSend(report);
  await store.changeReport(report.id, (current) => ({ ...current, state: "sending" }));
  announce();
  const decision = await (fileId ? sendFile(report, fileId) : sendText(report));
  await settle(report, decision, fileId);
  announce();
  return decision;
}

async function sendText(report) {
  const body = { ...report.body, client_now: new Date().toISOString() };
  return policy.judge(await api.call("PUT", pathOf(report), body), report);
}

async function sendFile(report, fileId) {
  const file = await store.get("files", fileId);
  if (!file) return { verdict: "help", why: "file_lost" };
  if ((await sha256(file.data)) !== file.sha256) return { verdict: "help", why: "file_damaged" };
  const outcome = await upload(report, file);
  const decision = policy.judge(outcome, report, "file");
  const still = decision.verdict === "receipt" && policy.filesToSend({ ...report, ...decision }).includes(fileId);
  return still ? { verdict: "retry", why: "receipt" } : decision;
}

const pathOf = ({ id, path }) => path ?? `/api/reports/${id}`;

async function upload(report, file) {
  const abort = new AbortController();
  uploading = { owner: report.owner, abort };
  makeWay(uploading).catch(() => {}); // for a text that came just before
  try {
    const path = `${pathOf(report)}/${file.kind}s/${file.id}`;
    return await api.upload(path, file.data, file.type || "application/octet-stream", abort.signal);
  } finally {
    uploading = null;
  }
}

async function settle(report, decision, fileId) {
  const { verdict, receipt } = decision;
  if (verdict === "receipt" && policy.mayForget(receipt, report)) {
    await store.finishReport(report.id, asSent(report, receipt));
    return;
  }
  if (verdict === "login") await account.noteSession("needs-login");
  if (verdict === "other-user") await account.refresh();
  await store.changeReport(report.id, (current) => {
    if (verdict === "receipt") return policy.afterReceipt(current, receipt);
    if (verdict === "help" && fileId) return policy.afterRefusal(current, fileId, decision);
    return policy.afterFailure(current, decision, Date.now(), Math.random());
  });
}

function asSent(report, receipt) {
  if (report.case) return { receipt };
  const { text, severity, category, captured_at, position } = report.body;
  return {
    id: report.id, owner: report.owner, title: text.slice(0, 40), severity, category, captured_at, position,
    content_hash: report.content_hash, receipt, complete: receipt.complete, saved_at: report.saved_at,
  };
}
