// Storage only: what lies where in IndexedDB, and which writes are one transaction. No DOM, no network.
//
// drafts  {id, owner, text, category, severity, village_code, position, captured_at, updated_at, files: [...]}
// reports the queue: {id, owner, body, content_hash, saved_at, state, tries, next_at, lease_until, received, help}
// files   {id, report_id, kind, type, sha256, bytes, data: ArrayBuffer}; Safari loses Blobs, so never a Blob
// sent    what the desk has: {id, owner, title, severity, captured_at, receipt, status, ...}
// kv      small things by name: me, session, form, last

import { openDB } from "../vendor/idb-8.0.4.js";

const NAME = "fieldapp";
const VERSION = 1;
const DURABLE = { durability: "strict" };

let opening = null;

function open() {
  opening ??= openDB(NAME, VERSION, {
    upgrade: createStores,
    blocking: forget, // another tab brings a newer version: step aside, reopen at the next use
    terminated: () => { opening = null; },
  }).catch((error) => {
    opening = null;
    throw error;
  });
  return opening;
}

function createStores(db) {
  db.createObjectStore("drafts", { keyPath: "id" });
  db.createObjectStore("reports", { keyPath: "id" });
  db.createObjectStore("files", { keyPath: "id" }).createIndex("report_id", "report_id");
  db.createObjectStore("sent", { keyPath: "id" });
  db.createObjectStore("kv");
}

function forget() {
  opening?.then((db) => db.close()).catch(() => {});
  opening = null;
}

/** Run `work(db)`; browsers close databases behind our back, so a closed one is opened again once. */
async function using(work) {
  const db = await open();
  try {
    return await work(db);
  } catch (error) {
    if (error?.name !== "InvalidStateError") throw error;
    opening = null;
    return work(await open());
  }
}

/** One durable readwrite transaction; resolves when it is committed, not before. */
function write(stores, work) {
  return using(async (db) => {
    const tx = db.transaction(stores, "readwrite", DURABLE);
    try {
      const result = await work(...stores.map((name) => tx.objectStore(name)));
      await tx.done;
      return result;
    } catch (error) {
      tx.done.catch(() => {}); // the cause is `error`; do not report the abort as well
      try { tx.abort(); } catch { /* already over */ }
      throw error;
    }
  });
}

export const get = (store, key) => using((db) => db.get(store, key));
export const all = (store) => using((db) => db.getAll(store));
export const put = (store, value, key) => write([store], (at) => at.put(value, key));
export const remove = (store, key) => write([store], (at) => at.delete(key));

/** Files of one draft or report, with their bytes. */
export const filesOf = (reportId) => using((db) => db.getAllFromIndex("files", "report_id", reportId));

/** Write a draft together with files that are new in it. A draft that was filed in another tab stays filed. */
export function saveDraft(draft, files = []) {
  return write(["drafts", "files", "reports", "sent"], async (drafts, store, reports, sent) => {
    if (await isFiled(draft.id, reports, sent)) return;
    await Promise.all([drafts.put(draft), ...files.map((file) => store.put(file))]);
  });
}

/** Give a draft and its files new ids, in one transaction: another tab has filed the old ones. */
export function renameDraft(draft, files) {
  return write(["drafts", "files"], async (drafts, store) => {
    await Promise.all([drafts.put(draft), ...files.map((file) => store.put(file))]);
  });
}

async function isFiled(id, reports, sent) {
  return (await reports.getKey(id)) !== undefined || (await sent.getKey(id)) !== undefined;
}

/** Write a draft and drop one of its files. */
export function dropFile(draft, fileId) {
  return write(["drafts", "files"], (drafts, files) => Promise.all([drafts.put(draft), files.delete(fileId)]));
}

/** Throw a draft away with everything in it. */
export function discardDraft(draftId) {
  return write(["drafts", "files"], async (drafts, files) => {
    await drafts.delete(draftId);
    await deleteFiles(files, draftId);
  });
}

/** The promise "saved on this phone": report in, files there, draft gone; all of it or nothing. */
export function commitReport(report) {
  return write(["reports", "sent", "drafts", "files", "kv"], async (reports, sent, drafts, files, kv) => {
    if (await isFiled(report.id, reports, sent)) throw new Error("already_filed");
    const held = new Set(await files.index("report_id").getAllKeys(report.id));
    const named = [...report.body.photos, ...report.body.voices];
    if (!named.every((file) => held.has(file.id))) throw new Error("file_lost");
    await Promise.all([reports.add(report), drafts.delete(report.id), kv.put(true, "canary")]);
  });
}

/** Change a queued report inside one transaction; `change` returns the new record. Gone reports stay gone. */
export function changeReport(id, change) {
  return write(["reports"], async (reports) => {
    const report = await reports.get(id);
    if (!report) return null;
    const changed = change(report);
    await reports.put(changed);
    return changed;
  });
}

/** The desk has everything: keep the receipt, let go of the bytes. */
export function finishReport(id, sent) {
  return write(["reports", "files", "sent"], async (reports, files, history) => {
    await history.put({ ...sent, ...(await history.get(id)), receipt: sent.receipt, complete: true });
    await reports.delete(id);
    await deleteFiles(files, id);
  });
}

/** Remember what the server last said about several own reports. */
export function rememberSent(items) {
  return write(["sent"], (sent) => Promise.all(items.map((item) => sent.put(item))));
}

async function deleteFiles(files, reportId) {
  const keys = await files.index("report_id").getAllKeys(reportId);
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
