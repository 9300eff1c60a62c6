// Tells this page, all other tabs and the service worker that something in the store changed.

const events = new EventTarget();
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("fieldapp") : null;

/** Say that the queue changed. */
export function announce() {
  events.dispatchEvent(new Event("changed"));
  channel?.postMessage({ type: "changed" });
}

/** Call `listener` at every change, whichever tab made it. */
export function onChange(listener) {
  events.addEventListener("changed", listener);
  channel?.addEventListener("message", listener);
}
