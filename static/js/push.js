// Web Push on this phone: what stands, and telling the server. Making a new address is in push-subscribe.js.

import * as api from "./api.js";
import * as store from "./store.js";

const WANTED = "push-wanted";

/** True when this browser knows Web Push at all (iOS only after installation). */
export const possible = () => "PushManager" in globalThis && "Notification" in globalThis && Boolean(navigator.serviceWorker);

/** "on", "off", "denied" or "impossible". */
export async function state() {
  if (!possible()) return "impossible";
  if (Notification.permission === "denied") return "denied";
  return (await current()) ? "on" : "off";
}

/** At each start: the server may have lost the address, the browser may have changed it, or lost it without a word. */
export async function sendAgain() {
  if (!possible() || Notification.permission !== "granted") return;
  const held = await current();
  if (held) await want();
  const subscription = held ?? (await restored().catch(() => null));
  if (subscription) await send(subscription);
}

const fresh = async () => (await import("./push-subscribe.js")).subscribe();
const restored = async () => ((await store.get("kv", WANTED)) ? fresh() : null);

/** Reminders were switched on here once. A phone that keeps nothing only has to be asked again. */
export const want = () => store.put("kv", true, WANTED).catch(() => {});

/** True when the server knows this address. One that it knows to be dead is exchanged for a new one, once. */
export async function send(subscription, again = true) {
  const outcome = await api.call("POST", "/api/push/subscriptions", subscription.toJSON());
  if (!again || outcome.body?.code !== "endpoint_dead") return api.ok(outcome);
  await subscription.unsubscribe();
  return send(await fresh(), false);
}

async function current() {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager?.getSubscription().catch(() => null)) ?? null;
}
