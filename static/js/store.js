// What lies where on the phone, and which writes are one transaction. No DOM, no network.
//
// drafts  {id, owner, text, category, severity, village_code, fix, settled, captured_at, updated_at, files: [...]}
// reports the queue: {id, owner, body, content_hash, saved_at, state, tries, next_at, why, receipt, help,
//         refused: {file id: {why, detail}}, dropped: [file ids a person gave up]}
// files   {id, report_id, kind, type, sha256, bytes, data: ArrayBuffer}; Safari loses Blobs, so never a Blob
// steps   what was done about a case, sent like a report: also {case, action, path, place}; those received are kept a while
// sent    what the desk has: {id, owner, title, severity, captured_at, receipt, complete, status, ...}
// kv      small things by name: me, session, met_at, form-<user>, last-<user>, the sender's lease

import { read, write } from "./db.js";

const FILED = ["reports", "steps", "sent"]; // what a draft may have become
const SENT_KEPT = 200; // per user; the desk has the rest

export const get = (store, key) => read(store, (at) => at.get(key));
export const all = (store) => read(store, (at) => at.getAll());
export const put = (store, value, key) => write([store], (at) => at.put(value, key));

/** All that waits to be sent, or for a person: reports and steps. */
export const queued = async () => [...await all("reports"), ...(await all("steps")).filter(({ state }) => state !== "received")];

/** Files of one draft or report, with their bytes. */
export const filesOf = (reportId) => read("files", (files) => files.ofReport(reportId));

/** Write a draft together with files that are new in it. A draft that was filed in another tab stays filed. */
export function saveDraft(draft, files = []) {
  return write(["drafts", "files", ...FILED], async (drafts, store, ...filed) => {
    if (await findFiled(draft.id, filed)) return;
    await Promise.all([drafts.put(draft), ...files.map((file) => store.put(file))]);
  });
}

/** Give a draft and its files new ids, in one transaction: another tab has filed the old ones. */
export function renameDraft(draft, files) {
  return write(["drafts", "files"], async (drafts, store) => {
    await Promise.all([drafts.put(draft), ...files.map((file) => store.put(file))]);
  });
}

/** Write a draft with `file` in the place of another. Throws "already_filed" once its files belong to a report, and
 * "file_lost" when another tab has masked or replaced those bytes. */
export function replaceFile(draft, oldId, file) {
  return changeFiles(draft, async (files) => {
    if (!(await files.getKey(oldId))) throw new Error("file_lost");
    await Promise.all([files.put(file), files.delete(oldId)]);
  });
}

/** Write a draft and drop one of its files. Throws "already_filed" once its files belong to a report. */
export function dropFile(draft, fileId) {
  return changeFiles(draft, (files) => files.delete(fileId));
}

function changeFiles(draft, change) {
  return write(["drafts", "files", ...FILED], async (drafts, files, ...filed) => {
    if (await findFiled(draft.id, filed)) throw new Error("already_filed");
    await Promise.all([drafts.put(draft), change(files)]);
  });
}

async function findFiled(id, stores) {
  return (await Promise.all(stores.map((filed) => filed.get(id)))).find(Boolean);
}

/** The report or step that the draft of this id has become, or null. */
export async function filedAs(id) {
  let found;
  for (const name of FILED) found ??= await get(name, id);
  return found ?? null;
}

/** Throw a draft away with everything in it. A draft that was filed in another tab keeps its files. */
export function discardDraft(draftId) {
  return write(["drafts", "files", ...FILED], async (drafts, files, ...filed) => {
    await drafts.delete(draftId);
    if (!(await findFiled(draftId, filed))) await deleteFiles(files, draftId);
  });
}

/** The promise "saved on this phone": report in, files there, draft gone; all of it or nothing. The same report again
 * is fine; throws "already_filed" when its id stands for other content, "file_lost" when a file is not here. */
export function commitReport(report) {
  return write(["reports", "sent", "drafts", "files", "kv"], async (reports, sent, drafts, files, kv) => {
    const filed = await findFiled(report.id, [reports, sent]);
    if (filed?.content_hash === report.content_hash) return;
    if (filed) throw new Error("already_filed");
    const held = new Set(await files.keysOfReport(report.id));
    const named = [...report.body.photos, ...report.body.voices];
    if (!named.every((file) => held.has(file.id))) throw new Error("file_lost");
    await Promise.all([reports.add(report), drafts.delete(report.id), kv.put(true, "canary")]);
  });
}

/** Change a queued report or step inside one transaction; `change` returns the new record. What is gone stays gone. */
export function changeReport(id, change) {
  return write(["reports", "steps"], async (...queues) => {
    for (const queue of queues) {
      const report = await queue.get(id);
      if (report) await queue.put(change(report));
    }
  });
}

/** A person says: go on without this file. The text is sent once more, and its receipt tells whether that was all. */
export function dropRefused(reportId, fileId) {
  return changeReport(reportId, (report) => {
    const { [fileId]: _given_up, ...refused } = report.refused;
    const dropped = [...(report.dropped ?? []), fileId];
    return { ...report, refused, dropped, state: "text-received", help: null, tries: 0, next_at: 0 };
  });
}

/** A report whose text was never accepted becomes a draft again, under new ids. Returns it, or null when it is too late. */
export const reopenAsDraft = async (reportId) => (await import("./reopen.js")).reopenAsDraft(reportId);

/** The desk has what it will get: keep the receipt, let go of the bytes. */
export function finishReport(id, sent) {
  return write(["reports", "steps", "files", "sent"], async (reports, steps, files, history) => {
    const { receipt, complete } = sent;
    const step = await steps.get(id);
    if (step) await steps.put({ ...step, receipt, state: "received" });
    else await history.put({ ...sent, ...(await history.get(id)), receipt, complete });
    await reports.delete(id);
    await deleteFiles(files, id);
  });
}

/** Remember what the server last said about own reports, and no more of the old ones than anybody looks at. What once
 * was complete stays so: an answer may be older than the last photo. */
export function rememberSent(items) {
  return write(["sent"], async (sent) => {
    for (const item of items) {
      const before = await sent.get(item.id);
      await sent.put({ ...before, ...item, complete: item.complete || before?.complete });
    }
    const mine = (await sent.getAll()).filter(({ owner }) => owner === items[0]?.owner);
    const old = mine.sort((a, b) => Date.parse(b.captured_at) - Date.parse(a.captured_at)).slice(SENT_KEPT);
    await Promise.all(old.map(({ id }) => sent.delete(id)));
  });
}

async function deleteFiles(files, reportId) {
  const keys = await files.keysOfReport(reportId);
  await Promise.all(keys.map((key) => files.delete(key)));
}

/** Take or renew a lease by name; false while somebody else holds it. A span of 0 gives it back. */
export function takeLease(name, holder, now, span) {
  return write(["kv"], async (kv) => {
    const lease = await kv.get(name);
    const held = lease && lease.holder !== holder && lease.until > now && lease.until - now <= 600_000;
    if (!held) await kv.put({ holder, until: now + span }, name);
    return !held;
  });
}
