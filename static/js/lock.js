// One sender at a time over all tabs: a Web Lock where there is one, and a lease in the database that shows whether
// its holder is alive. Two senders would do no harm, the server takes everything once; a sleeping one must not block.

import * as store from "./store.js";
import { uuid7 } from "./uuid7.js";

const NAME = "fieldapp-outbox";
const LEASE_MS = 20_000;
const BEAT_MS = 5_000;
const GRACE_MS = 1_000; // a holder who has just begun has not written his lease yet

/** Run `work(grip)` alone, or not at all while another sender is alive. `grip.lost`: somebody else has taken over. */
export async function alone(work) {
  const own = uuid7();
  const grip = { lost: false };
  const run = () => withLease(own, grip, () => work(grip));
  if (!navigator.locks) return (await take(own)) && run();
  try {
    const ran = await navigator.locks.request(NAME, { ifAvailable: true }, async (lock) => {
      if (lock) await run();
      return lock;
    });
    if (ran) return undefined;
    await new Promise((done) => { setTimeout(done, GRACE_MS); });
    return (await take(own)) && (await navigator.locks.request(NAME, { steal: true }, run));
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    grip.lost = true; // the lock was taken from us
    return undefined;
  }
}

const take = (own, span = LEASE_MS) => store.takeLease(NAME, own, Date.now(), span);

async function withLease(own, grip, work) {
  const beat = async () => { grip.lost ||= !(await take(own)); };
  const beating = setInterval(() => beat().catch(() => {}), BEAT_MS);
  try {
    await store.put("kv", { holder: own, until: Date.now() + LEASE_MS }, NAME); // whoever had it before is gone
    return await work();
  } finally {
    clearInterval(beating);
    await take(own, 0);
  }
}
