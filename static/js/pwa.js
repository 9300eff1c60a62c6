// The service worker: register it, offer an update when nobody is in the middle of something, follow the language.

import { byId } from "./dom.js";

const RELOAD_ANYWAY_MS = 4_000; // iOS can miss controllerchange

/** Register the worker. `busy()` says whether a form is being filled, in which case no update is offered. */
export async function startWorker(busy = () => false) {
  if (!navigator.serviceWorker) return;
  try {
    const registration = await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
    watchForUpdate(registration, busy);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") registration.update().catch(() => {});
    });
    await followLanguage(registration);
  } catch (error) {
    console.warn("service worker", error); // the app works without one, only not offline
  }
}

/** Ask for a wake-up when the network is back; only Chromium has it, and it only helps while a page is open. */
export async function askForSync() {
  const registration = await navigator.serviceWorker?.ready.catch(() => null);
  await registration?.sync?.register("drain").catch(() => {});
}

function watchForUpdate(registration, busy) {
  const offer = () => { if (registration.waiting && navigator.serviceWorker.controller && !busy()) show(registration); };
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", offer);
  });
  document.addEventListener("visibilitychange", offer);
  offer();
}

function show(registration) {
  const notice = byId("update");
  if (!notice) return;
  notice.hidden = false;
  notice.querySelector("button").onclick = () => {
    const reload = () => location.reload();
    navigator.serviceWorker.addEventListener("controllerchange", reload, { once: true });
    setTimeout(reload, RELOAD_ANYWAY_MS);
    registration.waiting?.postMessage({ type: "skip-waiting" });
  };
}

/** The kept pages are in one language; when the switch says another, fetch them again, once. */
async function followLanguage(registration) {
  const wanted = /(?:^|; )lang=en(?:;|$)/.test(document.cookie) ? "en" : "zh-CN";
  const mark = `refreshed-${wanted}`;
  if (document.documentElement.lang === wanted) return sessionStorage.removeItem(mark);
  if (!registration.active || sessionStorage.getItem(mark)) return;
  sessionStorage.setItem(mark, "1");
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data?.type === "shell-refreshed") location.reload();
  });
  registration.active.postMessage({ type: "refresh-shell" });
}
