// The service worker: register it, offer an update when nobody is in the middle of something, follow the language.

import { byId } from "./dom.js";

const RELOAD_ANYWAY_MS = 4_000; // iOS can miss controllerchange
const LOOK_MS = 2_000;
const SENDING = "/sw.js?sending"; // the same worker as a module, with the outbox in it

let registration = null;

/** Register the worker, again when that failed. `busy()` says whether something is under way that a reload would end;
 * no update is offered then. */
export async function startWorker(busy = () => false) {
  if (!navigator.serviceWorker) return;
  const retry = () => { if (!document.hidden) look().catch(() => {}); };
  addEventListener("online", retry);
  document.addEventListener("visibilitychange", retry);
  offerUpdates(busy);
  try {
    await look();
    await followLanguage();
  } catch (error) {
    console.warn("service worker", error); // the app works without one, only not offline
  }
}

/** Registering again heals a failed installation; when nothing has failed it costs nothing. */
async function look() {
  const known = registration;
  registration = await register();
  if (registration === known) await registration.update();
}

/** Only where a worker is ever woken up to send does it need the outbox; an old browser cannot load it as a module. */
async function register() {
  const { serviceWorker } = navigator;
  const plain = () => serviceWorker.register("/sw.js");
  return "SyncManager" in globalThis ? serviceWorker.register(SENDING, { type: "module" }).catch(plain) : plain();
}

/** Ask for a wake-up when the network is back. True when the worker will then send by itself, with no page open: only
 * then is "later_sync" true, else "later_open". */
export async function askForSync() {
  try {
    const { sync, active } = await navigator.serviceWorker.ready;
    await sync.register("drain");
    return active.scriptURL.endsWith(SENDING);
  } catch {
    return false;
  }
}

/** The notice is there while a new release waits and a reload would disturb nobody. */
function offerUpdates(busy) {
  const notice = byId("update");
  if (!notice) return;
  const offer = () => { notice.hidden = !registration?.waiting || !navigator.serviceWorker.controller || busy(); };
  setInterval(offer, LOOK_MS);
  notice.querySelector("button").addEventListener("click", () => {
    offer();
    if (!notice.hidden) takeUpdate();
  });
}

function takeUpdate() {
  const reload = () => location.reload();
  navigator.serviceWorker.addEventListener("controllerchange", reload, { once: true });
  setTimeout(reload, RELOAD_ANYWAY_MS);
  registration.waiting.postMessage({ type: "skip-waiting" });
}

/** The kept pages are in one language; when the switch says another, fetch them again, once. */
async function followLanguage() {
  const wanted = /(?:^|; )lang=en(?:;|$)/.test(document.cookie) ? "en" : "zh-CN";
  if (document.documentElement.lang !== wanted) await (await import("./relang.js")).changeTo(wanted, registration);
}
