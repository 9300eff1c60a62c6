// What can be tested without asking the person for anything: installed, storage, clock, network and release.

import * as api from "./api.js";
import { read, write } from "./db.js";
import { byId } from "./dom.js";
import { askToKeep } from "./filing.js";
import * as inst from "./install.js";
import { system } from "./phone-device.js";
import { say } from "./words.js";
import { photosIn, room } from "./space.js";
import * as store from "./store.js";
import { whyNot } from "./take.js";

const MB = 1_000_000;
const MOST_TRIED = 20; // MB; a person waits for it
const DICE = 65_536; // random bytes a browser gives at a time
const SLOW_MS = 3_000;
const CLOCK_OFF_S = 600;
const SAME_S = 5; // the server's clock is told in whole seconds, and an answer takes its time

/** Opened from the home screen, or how to get there. */
export const install = { id: "install", look: installState, test: installState };

async function installState() {
  byId("install-go").hidden = inst.installed() || !inst.offered();
  if (inst.installed()) return { state: "fine", says: [say("install_yes")] };
  const how = inst.offered() ? say("install_offered") : say(`install_${system()}`);
  return { state: "look", says: [say("install_no")], advice: [how] };
}

/** Written, read back and deleted for real; and how long that will go on. */
export const storage = { id: "storage", look: () => storageState(tryToStore(1)), test: () => storageState(tryToStore(MOST_TRIED)) };

async function storageState(trying) {
  const tried = await trying;
  const [space, kept, waiting] = await Promise.all([room(), navigator.storage?.persisted?.(), store.queued().catch(() => [])]);
  const low = space?.low || (tried.fault && tried.fits > 0);
  byId("keep-go").hidden = Boolean(tried.fault) || kept !== false;
  return {
    state: tried.fault || low || kept === false ? "look" : "fine",
    says: [
      tried.fault || say("storage_works", tried),
      space ? say("storage_room", { n: space.photos }) : tried.most > 1 && say("storage_at_least", { n: photosIn(tried.fits * MB) }),
      say(waiting.length ? "storage_waiting" : "storage_empty", { n: waiting.length }),
      kept === undefined ? "" : say(kept ? "storage_kept" : "storage_not_kept"),
    ],
    advice: [(low || tried.full) && say("storage_make_room"), kept === false && !tried.fault && say("storage_ask")],
  };
}

/** Write `most` MB one by one, read each back, and let go of all. {most, fits, ms, fault, full} */
async function tryToStore(most) {
  const began = performance.now();
  const tried = { most, fits: 0, ms: 0, fault: "", full: false };
  await clearTrials(); // a page killed in the middle left them
  try {
    for (; tried.fits < most; tried.fits += 1) await tryOne(`trial-${tried.fits}`);
  } catch (error) {
    tried.fault = whyNot(error, say("storage_fails"));
    tried.full = error.name === "QuotaExceededError";
  }
  await clearTrials();
  return { ...tried, ms: Math.round(performance.now() - began) };
}

const clearTrials = () => write(["kv"], (kv) => Promise.all(Array.from({ length: MOST_TRIED }, (_, at) => kv.delete(`trial-${at}`)))).catch(() => {});

/** Like a photo, it cannot be stored in less room than it has bytes. */
async function tryOne(name) {
  const bytes = new Uint8Array(MB);
  for (let at = 0; at < MB; at += DICE) crypto.getRandomValues(bytes.subarray(at, Math.min(at + DICE, MB)));
  await write(["kv"], (kv) => kv.put(bytes.buffer, name));
  const back = new Uint8Array((await read("kv", (kv) => kv.get(name))) ?? 0);
  if (!bytes.every((byte, at) => back[at] === byte)) throw new Error("other bytes");
}

/** Ask the browser to keep what lies here; what it says stands in the card afterwards. */
export async function keep(card) {
  if (await askToKeep()) return card.run();
  return card.show({ state: "look", says: [say("storage_refused")], advice: [say("storage_refused_how")] });
}

/** This phone's clock against the server's, as its last answer told it. */
export const clock = { id: "clock", look: clockState, test: async () => { await ask(); return clockState(); } };

async function clockState() {
  if (api.clockOffset === null) return { state: "unknown", says: [say("clock_unknown")] };
  const seconds = Math.round(Math.abs(api.clockOffset) / 1000);
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(Date.now() + api.clockOffset);
  if (seconds <= SAME_S) return { state: "fine", says: [say("clock_same", { time })] };
  const way = api.clockOffset > 0 ? "slow" : "fast";
  const says = [say(`clock_${way}`, { n: seconds < 120 ? say("seconds", { n: seconds }) : say("minutes", { n: Math.round(seconds / 60) }), time })];
  if (seconds < CLOCK_OFF_S) return { state: "fine", says };
  return { state: "look", says, advice: [say(`clock_${system()}`)] };
}

/** Reached or not, how fast, and what is running here. */
export const network = { id: "network", look: networkState, test: networkState };

async function networkState() {
  const took = await ask();
  const running = [say("release", { release: release() }), await workerSays(), say("language")];
  if (!api.reached) {
    const why = navigator.onLine ? "network_dead" : "network_offline";
    return { state: "look", says: [say(why), ...running], advice: [say(`${why}_how`)] };
  }
  const slow = took > SLOW_MS;
  const says = [say(slow ? "network_slow" : "network_fast", { ms: took }), ...running];
  return { state: slow ? "look" : "fine", says, advice: [slow && say("network_slow_how")] };
}

/** How long (ms) an answer of our server takes. */
async function ask() {
  const sent = performance.now();
  await api.call("GET", "/api/me");
  return Math.round(performance.now() - sent);
}

/** The release this page belongs to: its scripts' own address. */
export const release = () => /\/static\/([^/]+)\//.exec(import.meta.url)?.[1] ?? "?";

const registration = async () => navigator.serviceWorker?.getRegistration().catch(() => null);

async function workerSays() {
  const found = await registration();
  if (!found?.active) return say("worker_none");
  return say(found.waiting ? "worker_newer" : "worker_works");
}

/** Look for a newer release now. */
export async function checkUpdate(card) {
  const found = await registration();
  const asked = await found?.update().then(() => true, () => false);
  const newer = Boolean(found?.installing || found?.waiting);
  const says = [say(!asked ? "update_failed" : newer ? "update_found" : "update_none", { release: release() })];
  card.show({ state: asked ? "fine" : "look", says, advice: [] });
}
