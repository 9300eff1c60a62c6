// The duty desk for a twelve-hour shift: countdowns, the pulse, the alarm, the open case and the keys.

import { byId, tell } from "./dom.js";
import { startCountdown, tick } from "./countdown.js";
import { startPulse } from "./desk-pulse.js";
import { alarm, startAlarm, stillUnreached } from "./desk-alarm.js";
import { caseChanged, caseNumber, caseOpened } from "./desk-case.js";
import { startHands } from "./desk-hands.js";
import { startKeys } from "./desk-keys.js";
import { startLive } from "./desk-live.js";
import { startPicks } from "./desk-pick.js";
import { markFresh, newestIs } from "./desk-fresh.js";
import { failed, found, lost, trouble, worker } from "./desk-state.js";
import { sendAgain } from "./push.js";
import { startWorker } from "./pwa.js";
import { startPushControl } from "./task-push.js";
import { loginPath } from "./task-session.js";

let last = null;

/** One answer of the pulse: refresh what changed, sound when something is new. */
function beat(body) {
  worker(body.worker_age_s);
  trouble(body.trouble);
  newestIs(body.newest);
  if (last && body.mark !== last.mark) {
    document.body.dispatchEvent(new CustomEvent("desk:changed"));
  }
  if (last) sound(body); // what was there when the desk was opened is seen; unanswered, it sounds later
  caseChanged(body.case);
  last = body;
}

/** Something came since the last answer. */
function sound(body) {
  const worse = body.unreached > last.unreached || body.reds > last.reds;
  if (worse || body.newest !== last.newest) alarm(worse);
}

/** A refresh asks for as many rows as are on the screen. */
function refine(event) {
  const { ctx } = event.detail;
  if (ctx.sourceElement?.id !== "worklist") return;
  const rows = document.querySelectorAll(".queue-row").length;
  if (rows > 50) ctx.request.action += `${ctx.request.action.includes("?") ? "&" : "?"}limit=${rows}`;
}

/** A refusal that comes back on the page explains itself; a refresh that fails is tried again by the next pulse. */
function missed(event) {
  const { ctx } = event.detail ?? {};
  const status = ctx?.response?.status;
  const reading = ctx?.request?.method === "GET";
  if (ctx?.sourceElement?.id === "worklist" || status === 409 || status === 422) return;
  if (status !== 401) failed(status, reading);
  else if (reading) location.assign(loginPath());
  else lost("login");
}

document.addEventListener("htmx:config:request", refine);
document.addEventListener("htmx:response:error", missed);
document.addEventListener("htmx:error", missed);
document.addEventListener("htmx:before:request", (event) => {
  if (event.detail?.ctx?.sourceElement?.id !== "worklist") tell(byId("failed"), "");
});
document.addEventListener("htmx:after:swap", () => { tick(); caseOpened(); markFresh(); });

startCountdown();
startAlarm();
startKeys();
startHands();
startPicks();
startLive(markFresh);
startPulse({ caseNumber, beat, lost, found: () => { found(); if (last?.unreached > 0) stillUnreached(); } });
startWorker().then(() => {
  sendAgain();
  startPushControl(byId("push"));
});
