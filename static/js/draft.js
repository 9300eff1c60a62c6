// The report being written: on disk before the camera opens and after every change, since cheap phones kill pages.

import { sha256 } from "./canonical.js";
import * as store from "./store.js";
import { uuid7 } from "./uuid7.js";

const FRESH_MS = 12 * 3600_000;
const SOON_MS = 400;

/** A new, empty draft; its id will be the report's. Not stored yet. */
export function newDraft(owner) {
  return { id: uuid7(), owner: owner ?? null, text: "", category: "", severity: "blue", village_code: "",
    position: null, captured_at: null, updated_at: new Date().toISOString(), files: [] };
}

export const isEmpty = (draft) => !draft.text.trim() && draft.files.length === 0;

/** Unfinished drafts of this user (or of nobody yet), the latest first. */
export async function unfinished(owner) {
  const drafts = await store.all("drafts");
  return drafts
    .filter((draft) => !isEmpty(draft) && (draft.owner === null || draft.owner === owner))
    .sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
}

/** The draft to go on with: the one asked for, else the latest one of today, else null. */
export async function resumable(wanted, owner) {
  const drafts = await unfinished(owner);
  const asked = wanted && ((await store.get("drafts", wanted)) ?? null);
  if (asked && (asked.owner === null || asked.owner === owner)) return asked;
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

/** Another tab has filed this draft's id: what is written here goes on under new ids, nothing of it is lost. */
export async function rename(draft) {
  const held = new Map((await store.filesOf(draft.id)).map((file) => [file.id, file]));
  if (!draft.files.every(({ id }) => held.has(id))) throw new Error("file_lost");
  const id = uuid7();
  const files = draft.files.map((file) => ({ ...held.get(file.id), id: uuid7(), report_id: id }));
  Object.assign(draft, { id, files: files.map(({ data: _data, report_id: _id, ...entry }) => entry) });
  await store.renameDraft(draft, files);
}

/** Put a file's bytes into a draft and on disk, in one transaction. */
export async function addFile(draft, kind, { data, type }) {
  const file = { id: uuid7(), report_id: draft.id, kind, type, bytes: data.byteLength, sha256: await sha256(data), data };
  const { data: _bytes, report_id: _id, ...entry } = file;
  draft.files.push(entry);
  try {
    await store.saveDraft(touch(draft), [file]);
  } catch (error) {
    draft.files = draft.files.filter(({ id }) => id !== file.id); // what is not on disk is not in the draft
    throw error;
  }
  return file;
}

/** Take a file out of a draft. */
export function removeFile(draft, fileId) {
  draft.files = draft.files.filter(({ id }) => id !== fileId);
  return store.dropFile(touch(draft), fileId);
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

function touch(draft) {
  const now = new Date().toISOString();
  draft.updated_at = now;
  if (!isEmpty(draft)) draft.captured_at ??= now;
  return draft;
}
