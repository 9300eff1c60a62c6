// From a draft to a queued report: the moment a report becomes safe on this phone.

import { contentHash, wellFormed } from "./canonical.js";
import { announce } from "./channel.js";
import * as policy from "./policy.js";
import * as store from "./store.js";

/** True when a draft holds enough to be sent: a photo, a voice note, a few words or 我也看到了. */
export function isEnough(draft) {
  return Boolean(draft.text?.trim() || draft.seen_case) || draft.files.length > 0;
}

/** Freeze a draft and queue it, in one durable transaction. Throws when it could not be saved. */
export async function fileReport(draft, me) {
  const body = bodyOf(draft, me);
  const report = {
    ...policy.FRESH, id: draft.id, owner: me.id, body, content_hash: await contentHash(body), saved_at: new Date().toISOString(),
  };
  await store.commitReport(report);
  leaveCanary();
  announce();
  return report;
}

/** The frozen content of a report; client_now joins at each try and is not part of it. */
function bodyOf(draft, me) {
  return {
    owner: me.id,
    text: wellFormed(draft.text ?? "").trim(),
    category: draft.category || null,
    severity: draft.severity || "blue",
    position: draft.position ?? null,
    village_code: draft.village_code || null,
    captured_at: draft.captured_at ?? new Date().toISOString(),
    photos: manifest(draft.files, "photo"),
    voices: manifest(draft.files, "voice"),
    ...(draft.seen_case && { seen_case: draft.seen_case }),
  };
}

/** What a receipt will have to name: id, hash and size of the files of one kind. */
export function manifest(files, kind) {
  return files.filter((file) => file.kind === kind).map(({ id, sha256, bytes }) => ({ id, sha256, bytes }));
}

/** A person asks to try a refused report again. */
export async function tryAgain(id) {
  await store.changeReport(id, (report) => policy.rested({ ...report, refused: {}, tries: 0, next_at: 0 }));
  announce();
}

/** Leave a mark outside the database, which tells later whether that was wiped. */
export function leaveCanary() {
  try { localStorage.setItem("fieldapp-canary", "1"); } catch { /* a browser without it only loses the warning */ }
}

/** True when this phone once held reports and its database has been wiped since. Says so only once. */
export async function wasWiped() {
  const remembered = localStorage.getItem("fieldapp-canary") === "1";
  if (!remembered || (await store.get("kv", "canary"))) return false;
  localStorage.removeItem("fieldapp-canary");
  return true;
}

/** Ask the browser not to clear our storage; it may say no. */
export async function askToKeep() {
  try { return (await navigator.storage?.persist?.()) ?? false; } catch { return false; }
}
