// The report being written: on disk before the camera opens and after every change, since cheap phones kill pages.

import { sha256 } from "./canonical.js";
import * as store from "./store.js";
import { uuid7 } from "./uuid7.js";

const FRESH_MS = 12 * 3600_000;
const SOON_MS = 400;

/** A new, empty draft; its id will be the report's. Not stored yet. `settled`: a person has chosen the place. */
export function newDraft(owner) {
  return { id: uuid7(), owner: owner ?? null, text: "", category: "", severity: "blue", village_code: "", fix: null,
    settled: false, captured_at: null, updated_at: new Date().toISOString(), files: [] };
}

export const isEmpty = (draft) => !draft.text.trim() && !draft.seen_case && draft.files.length === 0;

export const filesIn = (draft, kind) => draft.files.filter((file) => file.kind === kind);

/** Whether a draft is this user's own, or was begun when nobody had logged in. */
export const mayWrite = (draft, owner) => draft.owner === null || draft.owner === owner;

/** Unfinished drafts of reports of this user (or of nobody yet), the latest first; what is written about a case is none. */
export async function unfinished(owner) {
  const drafts = await store.all("drafts");
  return drafts
    .filter((draft) => !draft.case && !isEmpty(draft) && mayWrite(draft, owner))
    .sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
}

/** The draft to go on with: the one asked for, else the latest of today, else null. */
export async function resumable(wanted, owner) {
  const asked = wanted && (await store.get("drafts", wanted));
  if (asked && mayWrite(asked, owner)) return asked;
  const drafts = await unfinished(owner);
  return drafts.find((draft) => Date.now() - Date.parse(draft.updated_at) < FRESH_MS) ?? null;
}

/** Hold a draft for as long as this page lives; false while another tab has it open. */
export function hold(draftId) {
  if (!navigator.locks) return Promise.resolve(true); // commitReport still refuses a second filing
  return new Promise((answer) => {
    navigator.locks.request(`draft-${draftId}`, { ifAvailable: true }, (lock) => {
      answer(Boolean(lock));
      return lock && new Promise(() => {});
    });
  });
}

/** Put a file into a draft and on disk, in one transaction; returns its entry. `tries`: how often a photo may still be
 * made smaller. */
export const addFile = (draft, kind, content, tries = 0) => inTurn(async () => {
  if (await store.filedAs(draft.id)) throw new Error("already_filed");
  const file = await fileOf(draft, kind, content);
  const entry = { ...entryOf(file), tries };
  await store.saveDraft(withFiles(draft, [...draft.files, entry]), [file]);
  draft.files.push(entry);
  return entry;
});

/** Other bytes for an entry, in one transaction: at every moment one of the two is on disk. False when it no longer
 * holds the bytes of `id`: what was made of them is made of the wrong ones. */
export const replaceFile = (draft, entry, content, id = entry.id) => inTurn(async () => {
  const file = await fileOf(draft, entry.kind, content);
  if (!draft.files.includes(entry) || entry.id !== id) return false; // taken out or replaced meanwhile
  const fresh = { ...entryOf(file), tries: 0 };
  await store.replaceFile(withFiles(draft, draft.files.map((one) => (one === entry ? fresh : one))), entry.id, file);
  return Object.assign(entry, fresh);
});

/** Take a file out of a draft. */
export const removeFile = (draft, entry) => inTurn(async () => {
  const files = draft.files.filter((file) => file !== entry);
  await store.dropFile(withFiles(draft, files), entry.id);
  draft.files = files;
});

let turn = Promise.resolve();

/** One change of files after the other, and in memory only once it is on disk: a draft that is saved meanwhile must
 * never name a file that is not there. */
function inTurn(work) {
  const mine = turn.then(work);
  turn = mine.catch(() => {});
  return mine;
}

function withFiles(draft, files) {
  draft.captured_at ??= new Date().toISOString();
  return { ...touch(draft), files };
}

/** Write the draft now. */
export const saveNow = (draft) => store.saveDraft(touch(draft));

/** A saver that waits for a short pause in typing; `now()` writes at once. */
export function saver(draft, onError) {
  let timer = null;
  let closed = false;
  const now = async () => {
    clearTimeout(timer);
    timer = null;
    if (closed) return;
    try { await saveNow(draft); } catch (error) { onError(error); }
  };
  const soon = () => { timer ??= setTimeout(now, SOON_MS); };
  const close = () => { closed = true; clearTimeout(timer); };
  return { now, soon, close };
}

async function fileOf(draft, kind, { data, type }) {
  return { id: uuid7(), report_id: draft.id, kind, type, bytes: data.byteLength, sha256: await sha256(data), data };
}

const entryOf = ({ data: _data, report_id: _id, ...entry }) => entry;

function touch(draft) {
  const now = new Date().toISOString();
  draft.updated_at = now;
  if (!isEmpty(draft)) draft.captured_at ??= now;
  return draft;
}
