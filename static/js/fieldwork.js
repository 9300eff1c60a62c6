// A step in the field (签收, 出发, 到场, 处置反馈) becomes safe on this phone: frozen and queued like a report.

import { contentHash, wellFormed } from "./canonical.js";
import { announce } from "./channel.js";
import { write } from "./db.js";
import { leaveCanary, manifest } from "./filing.js";
import { FRESH } from "./policy.js";
import { uuid7 } from "./uuid7.js";

const RECEIVED_KEPT = 50;

/** Queue what was done about case `number`, in one durable transaction; `draft` holds the photos of an outcome and is
 * gone with it. The same step pressed twice is one. Throws when it could not be saved. */
export async function fileStep({ number, action, note = "", draft = null }, me) {
  const id = draft?.id ?? uuid7();
  const body = {
    owner: me.id, action, note: wellFormed(note).trim(), taken_at: new Date().toISOString(),
    photos: manifest(draft?.files ?? [], "photo"), voices: [],
  };
  await commit({
    ...FRESH, id, owner: me.id, case: number, action, path: `/api/cases/${encodeURIComponent(number)}/steps/${id}`, body,
    content_hash: await contentHash(body), saved_at: new Date().toISOString(),
  });
  leaveCanary();
  announce();
}

function commit(step) {
  return write(["steps", "drafts", "files", "kv"], async (steps, drafts, files, kv) => {
    const all = await steps.getAll();
    const twin = all.find((other) => other.id === step.id);
    if (twin && twin.content_hash !== step.content_hash) throw new Error("already_filed");
    if (twin || all.some((other) => isSame(other, step))) return;
    const held = new Set(await files.keysOfReport(step.id));
    if (!step.body.photos.every(({ id }) => held.has(id))) throw new Error("file_lost");
    const place = 1 + Math.max(0, ...all.map((other) => other.place));
    const old = all.filter(isReceived).sort((a, b) => b.place - a.place).slice(RECEIVED_KEPT);
    await Promise.all([
      steps.add({ ...step, place }), drafts.delete(step.id), kv.put(true, "canary"), ...old.map(({ id }) => steps.delete(id)),
    ]);
  });
}

const isReceived = ({ state }) => state === "received";

/** Nobody signs twice; but what was done may be told again, in other words. */
function isSame(other, { owner, action, case: number }) {
  const alike = other.owner === owner && other.case === number && other.action === action;
  return alike && action !== "report_outcome" && !isReceived(other);
}

/** The user's own steps about a case (or about all), in the order they were taken. */
export function stepsOf(all, me, number = null) {
  const isMine = (step) => step.owner === me?.id && (number === null || step.case === number);
  return all.filter(isMine).sort((a, b) => a.place - b.place);
}

/** A person has read what became of a step: nothing more need be said of it. */
export async function dismiss(id) {
  await write(["steps"], (steps) => steps.delete(id));
  announce();
}
