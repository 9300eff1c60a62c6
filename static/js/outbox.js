// The order of sending, and nothing else: what an answer means is policy.js, what lies where is store.js.
//
// saved → sending → text-received → (sent: complete); on the side needs-login, needs-help, other-user.
// One step is one request. The next step is chosen anew each time, so that a fresh text never waits for photos
// and one bad report never blocks the others.

import * as account from "./account.js";
import * as api from "./api.js";
import { announce } from "./channel.js";
import { alone } from "./lock.js";
import * as policy from "./policy.js";
import * as store from "./store.js";

const LEASE_SLACK_MS = 5_000;
const DEAD_LINE = 2; // requests without any answer after which a round ends
const STRENGTH = ["timer", "eager", "force"];

let running = null;
let again = null;

/** Send what can be sent. Calls while sending are remembered, never run in parallel. */
export function drain(mode = "timer") {
  if (running) {
    again = STRENGTH.indexOf(mode) > STRENGTH.indexOf(again) ? mode : again;
    return running;
  }
  running = alone((exclusive) => round(mode, exclusive))
    .catch((error) => console.warn("outbox", error)) // the store failed; everything is still in it
    .finally(() => {
      running = null;
      const next = again;
      again = null;
      if (next) drain(next);
    });
  return running;
}

async function round(mode, exclusive) {
  const me = await whoSends(mode);
  if (!me) return;
  if (exclusive) await releaseLeases();
  const tried = new Set();
  for (let dead = 0; dead < DEAD_LINE; ) {
    const report = await nextReady(me, mode, tried);
    if (!report) return;
    const decision = await step(report);
    if (decision.verdict === "login") return;
    if (decision.verdict !== "receipt" && !decision.more) tried.add(report.id);
    dead = ["network", "timeout"].includes(decision.why) ? dead + 1 : 0;
  }
}

/** The user to send for, or null while somebody has to log in first. */
async function whoSends(mode) {
  if (!(await account.mustLogIn())) return account.known();
  if (mode === "timer") return null;
  const { me, fresh } = await account.refresh();
  return fresh ? me : null;
}

/** Only ever the reports of the user who is logged in: another's wait for their owner. */
async function nextReady(me, mode, tried) {
  const now = Date.now();
  const ready = (await store.all("reports")).filter(
    (report) => report.owner === me.id && !tried.has(report.id) && policy.isReady(report, now, mode),
  );
  return policy.inOrder(ready)[0];
}

/** We hold the lock, so whoever marked these as being sent is gone. */
async function releaseLeases() {
  const stale = (await store.all("reports")).filter((report) => report.state === "sending");
  for (const { id } of stale) {
    await store.changeReport(id, (report) => ({ ...report, state: policy.restingState(report), lease_until: 0 }));
  }
}

/** One request for one report; returns the decision. */
async function step(report) {
  const wanted = report.receipt ? policy.missingFiles(report.receipt) : [];
  const fileId = wanted.find((id) => !report.refused?.[id]) ?? null;
  const decision = await (fileId ? sendFile(report, fileId) : sendText(report));
  await settle(report, decision, fileId);
  announce();
  return decision;
}

async function sendText(report) {
  const body = { ...report.body, client_now: new Date().toISOString() };
  await lease(report, api.timeoutFor());
  return policy.judge(await api.call("PUT", `/api/reports/${report.id}`, body), report);
}

async function sendFile(report, fileId) {
  const file = await store.get("files", fileId);
  if (!file) return { verdict: "help", why: "file_lost" };
  await lease(report, api.timeoutFor(file.data));
  const path = `/api/reports/${report.id}/${file.kind}s/${fileId}`;
  const outcome = await api.call("PUT", path, file.data, file.type || "application/octet-stream");
  const decision = policy.judge(outcome, report, "file");
  const still = decision.verdict === "receipt" && policy.missingFiles(decision.receipt).includes(fileId);
  return still ? { verdict: "retry", why: "receipt" } : decision;
}

async function lease(report, span) {
  const lease_until = Date.now() + span + LEASE_SLACK_MS;
  await store.changeReport(report.id, (current) => ({ ...current, state: "sending", lease_until }));
  announce();
}

async function settle(report, decision, fileId) {
  if (decision.verdict === "receipt") return progress(report, decision.receipt);
  if (decision.verdict === "login") await account.noteSession("needs-login");
  if (decision.verdict === "other-user") await account.refresh();
  if (decision.verdict === "help" && fileId) return refuseFile(report, decision, fileId);
  const forgetReceipt = decision.why === "unknown"; // the server lost the text: it goes again
  await store.changeReport(report.id, (current) => {
    const base = forgetReceipt ? { ...current, receipt: null } : current;
    return policy.afterFailure(base, decision, Date.now(), Math.random());
  });
}

async function progress(report, receipt) {
  if (policy.mayForget(receipt, report)) return store.finishReport(report.id, asSent(report, receipt));
  if (policy.missingFiles(receipt).every((id) => report.refused?.[id])) return needHelp(report, receipt);
  return store.changeReport(report.id, (current) => ({
    ...current, receipt, state: "text-received", tries: 0, next_at: 0, lease_until: 0, why: null, help: null,
  }));
}

/** One file the server will never take: the others still go, then a person has to look. */
async function refuseFile(report, decision, fileId) {
  const refused = { ...report.refused, [fileId]: decision.detail ?? decision.why };
  const left = policy.missingFiles(report.receipt).some((id) => !refused[id]);
  decision.more = left;
  await store.changeReport(report.id, (current) => (left
    ? { ...current, refused, state: "text-received", lease_until: 0 }
    : { ...policy.afterFailure(current, decision, Date.now(), Math.random()), refused }));
}

function needHelp(report, receipt) {
  const [detail] = Object.values(report.refused);
  const decision = { verdict: "help", why: "file", detail };
  return store.changeReport(report.id, (current) => ({
    ...policy.afterFailure(current, decision, Date.now(), Math.random()), receipt,
  }));
}

function asSent(report, receipt) {
  const { text, severity, category, captured_at } = report.body;
  return {
    id: report.id, owner: report.owner, title: text.slice(0, 40), severity, category, captured_at,
    content_hash: report.content_hash, receipt, complete: true, saved_at: report.saved_at,
  };
}
