// What every page of the phone does at its start: who am I, what waits, send it, and say how things stand.

import * as account from "./account.js";
import * as api from "./api.js";
import { onChange } from "./channel.js";
import { byId, tell } from "./dom.js";
import { wasWiped } from "./filing.js";
import { counts, drain } from "./outbox.js";
import { askForSync, startWorker } from "./pwa.js";
import * as store from "./store.js";
import { say } from "./words.js";

const TICK_MS = 15_000;
const NEWS_MS = 120_000;
const CLOCK_OFF_MS = 600_000;

let asking = true; // the server is being asked; not on a page that met it a moment ago

/** Start the page. `busy()`: a form is being filled; `show()`: draw again, after each change; `met({me, fresh})`: the
 * server said who is logged in, or could not be asked; `fresh()`: ask the server for news; `quiet` (ms): the first
 * look asks for nothing when the server was met so recently. */
export async function start(page = {}) {
  const { busy = () => false, show = async () => {}, met = () => {}, fresh = async () => {}, quiet = 0 } = page;
  const draw = oneAtATime(async () => {
    if (!(await store.get("kv", "canary").catch(() => false))) await tryStorage();
    await show();
    await stateLine();
  });
  startWorker(busy);
  await draw();
  onChange(draw);
  const meeting = () => meet({ draw, met, fresh }).catch((error) => console.warn("page", error));
  triggers(draw, meeting);
  lookAround().catch(() => {});
  asking = !(await account.metWithin(quiet).catch(() => false));
  if (asking) await meeting();
  else drain("eager").then(draw);
  keepPush().catch(() => {}); // a push address that cannot be sent is sent at the next start
}

/** Little room, or a place that forgets pages (WeChat): said there, no code elsewhere. */
async function lookAround() {
  const { serviceWorker, storage, userAgent } = navigator;
  if (!serviceWorker || !storage?.persist || /MicroM/.test(userAgent)) await import("./inapp.js");
  const { usage, quota } = (await storage?.estimate?.()) ?? {};
  if (quota - usage < 5e7 || usage > quota * 0.85) (await import("./space.js")).warn();
}

/** Only who switched reminders on needs that code. */
async function keepPush() {
  if (globalThis.Notification?.permission === "granted") await (await import("./push.js")).sendAgain();
}

/** Learn who is logged in, send what waits, then ask for news. */
async function meet({ draw, met, fresh }) {
  met(await account.refresh());
  const sending = drain("eager");
  await fresh(); // not after sending: many photos may take minutes
  await draw();
  await sending;
  await draw();
  if ((await counts()).waiting > 0) askForSync(); // also for what an earlier page left
}

function triggers(draw, meeting) {
  const wake = (mode) => async () => {
    await draw();
    await drain(mode);
    await draw();
  };
  addEventListener("online", wake("eager"));
  addEventListener("offline", draw);
  addEventListener("pageshow", (event) => { if (event.persisted) meeting(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) meeting(); });
  setInterval(() => { if (!document.hidden) wake("timer")(); }, TICK_MS);
  setInterval(() => { if (!document.hidden) meeting(); }, NEWS_MS);
  byId("send-now")?.addEventListener("click", wake("force"));
  byId("foreign").querySelector("button").addEventListener("click", async ({ target }) => {
    await (await import("./help.js")).exportForeign(target);
  });
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data?.type === "push") meeting();
    if (data?.type === "drain") drain("eager");
  });
}

/** Tells at once when this browser cannot store anything, or has thrown away what it stored. */
async function tryStorage() {
  try {
    const wiped = await wasWiped();
    await store.put("kv", true, "canary");
    put("storage", wiped ? say("storage_wiped") : "");
  } catch (error) {
    put("storage", say(error.message.startsWith("storage_") ? "storage_blocked" : "storage_broken"));
    throw error;
  }
}

/** The line on top: connected, no network, or how many wait; and the notices that go with it. */
async function stateLine() {
  const { me, waiting, foreign } = await counts();
  const login = !me || (await account.mustLogIn());
  const line = byId("line");
  const [state, words] = lineState(waiting, !navigator.onLine || api.reached === false);
  line.dataset.line = state;
  if (line.textContent !== words) line.textContent = words; // what is written again is read out again
  byId("login").hidden = !login;
  if (login) put("login", waiting ? say("login_waiting", { n: waiting }) : say("login"));
  put("foreign", foreign ? say("foreign", { n: foreign }) : "");
  put("clock", Math.abs(api.clockOffset ?? 0) > CLOCK_OFF_MS ? say("clock_off") : "");
  const send = byId("send-now");
  if (send) send.hidden = waiting === 0;
}

/** [state, words]: "connected" only when our server has answered this very page. */
function lineState(waiting, offline) {
  const words = offline ? (navigator.onLine ? "line_dead" : "line_offline") : "line";
  if (waiting) return ["waiting", say(`${words}_waiting`, { n: waiting })];
  if (offline) return ["offline", say(words)];
  if (api.reached) return ["connected", say("line_connected")];
  return ["checking", say(asking ? "line_checking" : "line_either")];
}

function put(id, words) {
  const element = byId(id);
  const said = element.querySelector(".grow") ?? element;
  if (element.hidden === Boolean(words) || said.textContent !== words) tell(element, words);
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
