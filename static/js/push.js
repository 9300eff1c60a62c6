// Web Push on this phone: one channel of several, so a failure is said plainly and stops nothing.

import * as api from "./api.js";

const TIMEOUT_MS = 10_000; // a push service that cannot be reached may never answer

/** True when this browser knows Web Push at all (iOS only after installation). */
export const possible = () => "PushManager" in globalThis && "Notification" in globalThis && Boolean(navigator.serviceWorker);

/** "on", "off", "denied" or "impossible". */
export async function state() {
  if (!possible()) return "impossible";
  if (Notification.permission === "denied") return "denied";
  return (await current()) ? "on" : "off";
}

/** Ask, subscribe, tell the server. Returns "on", "denied" or "failed". Call it from a click. */
export async function enable() {
  try {
    if ((await Notification.requestPermission()) !== "granted") return "denied";
    return (await send(await within(TIMEOUT_MS, subscribe()))) ? "on" : "failed";
  } catch {
    return "failed";
  }
}

/** At each start: the server may have lost the address, or the browser changed it. */
export async function sendAgain() {
  const subscription = possible() && Notification.permission === "granted" ? await current() : null;
  if (subscription) await send(subscription);
}

async function current() {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager?.getSubscription().catch(() => null)) ?? null;
}

async function subscribe() {
  const key = await api.call("GET", "/api/push/key");
  if (!api.ok(key)) throw new Error("no key");
  const { pushManager } = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: bytes(key.body.key) };
  try {
    return await pushManager.subscribe(options);
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error; // subscribed with an older key: start over
    await (await pushManager.getSubscription())?.unsubscribe();
    return pushManager.subscribe(options);
  }
}

/** True when the server knows this address. One that it knows to be dead is exchanged for a new one, once. */
async function send(subscription, again = true) {
  const outcome = await api.call("POST", "/api/push/subscriptions", subscription.toJSON());
  if (!again || outcome.body?.code !== "endpoint_dead") return api.ok(outcome);
  await subscription.unsubscribe();
  return send(await within(TIMEOUT_MS, subscribe()), false);
}

function within(ms, promise) {
  return Promise.race([promise, new Promise((_, fail) => setTimeout(() => fail(new Error("timeout")), ms))]);
}

function bytes(base64url) {
  const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
