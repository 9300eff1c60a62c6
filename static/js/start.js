// What every page of the phone does at its start: who am I, what waits, send it, and say how things stand.

import * as account from "./account.js";
import * as api from "./api.js";
import { onChange } from "./channel.js";
import { byId, tell } from "./dom.js";
import { wasWiped } from "./filing.js";
import { gather } from "./history.js";
import { drain } from "./outbox.js";
import { startWorker } from "./pwa.js";
import * as store from "./store.js";
import { say } from "./words.js";

const TICK_MS = 15_000;
const NEWS_MS = 120_000;
const CLOCK_OFF_MS = 600_000;

let quietly = false; // the server was met a moment ago, on another page

/** Start the page. `busy()`: a form is being filled; `show()`: draw again, after each change; `met({me, fresh})`: the
 * server said who is logged in, or could not be asked; `fresh()`: ask the server for news; `quiet` (ms): the first
 * look asks for nothing when the server was met so recently. */
export async function start(page = {}) {
  const { busy = () => false, show = async () => {}, met = () => {}, fresh = async () => {}, quiet = 0 } = page;
  const draw = oneAtATime(async () => {
    await show();
    await stateLine();
  });
  try {
    await storageNotices();
    await draw();
  } catch (error) {
    console.warn("store", error);
    tell(byId("storage"), say("storage_broken"));
  }
  onChange(draw);
  const meeting = () => meet({ draw, met, fresh });
  triggers(draw, meeting);
  quietly = await account.metWithin(quiet).catch(() => false);
  if (!quietly) await meeting();
  else drain("eager").then(draw);
  if (location.protocol === "https:" || location.hostname === "localhost" || location.hostname === "127.0.0.1") {
    startWorker(busy);
  }
  keepPush().catch(() => {}); // a push address that cannot be sent is sent at the next start
}

/** Only who switched reminders on needs that code. */
async function keepPush() {
  if (globalThis.Notification?.permission === "granted") await (await import("./push.js")).sendAgain();
}

/** Learn who is logged in, send what waits, then ask for news. */
async function meet({ draw, met, fresh }) {
  const paused = await account.mustLogIn();
  const before = await account.known();
  const found = await account.refresh();
  met(found);
  const changed = (paused && !(await account.mustLogIn())) || found.me?.id !== before?.id;
  const sending = drain(changed ? "force" : "eager");
  await fresh(); // not after sending: many photos may take minutes
  await draw();
  await sending;
  await draw();
}

function triggers(draw, meeting) {
  const wake = (mode) => async () => {
    await draw();
    await drain(mode);
    await draw();
  };
  addEventListener("online", wake("force"));
  addEventListener("offline", draw);
  addEventListener("pageshow", (event) => { if (event.persisted) meeting(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) meeting(); });
  setInterval(() => { if (!document.hidden) wake("timer")(); }, TICK_MS);
  setInterval(() => { if (!document.hidden) meeting(); }, NEWS_MS);
  byId("send-now")?.addEventListener("click", wake("force"));
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data?.type === "push") meeting();
    if (data?.type === "drain") drain("force");
  });
}

async function storageNotices() {
  if (await wasWiped().catch(() => false)) tell(byId("storage"), say("storage_wiped"));
  await store.put("kv", true, "canary"); // also tells at once when this browser cannot store anything
}

/** The line on top: connected, no network, or how many wait; and the notices that go with it. */
async function stateLine() {
  const { me, waiting, sendable, foreign } = await gather();
  const line = byId("line");
  const offline = !navigator.onLine || api.reached === false;
  line.dataset.line = waiting ? "waiting" : offline ? "offline" : "connected";
  line.textContent = lineWords(waiting, offline);
  byId("login").hidden = Boolean(me) && !(await account.mustLogIn());
  tell(byId("foreign"), foreign ? say("foreign", { n: foreign }) : "");
  tell(byId("clock"), Math.abs(api.clockOffset ?? 0) > CLOCK_OFF_MS ? say("clock_off") : "");
  const send = byId("send-now");
  if (send) send.hidden = sendable === 0;
}

function lineWords(waiting, offline) {
  if (waiting) return say(offline ? "line_offline_waiting" : "line_waiting", { n: waiting });
  if (offline) return say(navigator.onLine ? "line_dead" : "line_offline");
  return api.reached === null && !quietly ? say("line_checking") : say("line_connected");
}

/** Run `work` never twice at once; a call during a run makes it run once more. */
function oneAtATime(work) {
  let running = null;
  let again = false;
  return function run() {
    again = Boolean(running);
    running ??= work().catch((error) => console.warn("page", error)).finally(() => {
      running = null;
      if (again) run();
    });
    return running;
  };
}
