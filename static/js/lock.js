// One sender at a time over all tabs: Web Locks where they exist, else a lease in the database.

import * as store from "./store.js";
import { uuid7 } from "./uuid7.js";

const NAME = "fieldapp-outbox";
const LEASE_MS = 60_000;

/** Run `work(exclusive)` alone. `exclusive` says that no other sender can be alive, not even a slow one. */
export function alone(work) {
  if (navigator.locks) return navigator.locks.request(NAME, () => work(true));
  return withLease(work);
}

async function withLease(work) {
  const own = uuid7();
  if (!(await store.takeLease(NAME, own, Date.now(), LEASE_MS))) return undefined;
  const beat = setInterval(() => store.takeLease(NAME, own, Date.now(), LEASE_MS).catch(() => {}), LEASE_MS / 3);
  try {
    return await work(false);
  } finally {
    clearInterval(beat);
    await store.takeLease(NAME, own, Date.now(), 0);
  }
}
