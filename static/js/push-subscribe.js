// A new push address: one channel of several, so a failure is said plainly and stops nothing.

import * as api from "./api.js";
import { send, want } from "./push.js";

const TIMEOUT_MS = 10_000; // a push service that cannot be reached may never answer

/** Ask, subscribe, tell the server. Returns "on", "denied" or "failed". Call it from a click. */
export async function enable() {
  try {
    if ((await Notification.requestPermission()) !== "granted") return "denied";
    const known = await send(await subscribe());
    if (known) await want();
    return known ? "on" : "failed";
  } catch {
    return "failed";
  }
}

/** A subscription of this browser's, or an error when there is none in time. */
export const subscribe = () => within(TIMEOUT_MS, subscribed());

async function subscribed() {
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

function within(ms, promise) {
  return Promise.race([promise, new Promise((_, fail) => setTimeout(() => fail(new Error("timeout")), ms))]);
}

function bytes(base64url) {
  const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
