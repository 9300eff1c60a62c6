// Another tab has filed the draft that is open here: not filed twice, and nothing that was added here is lost.
// Loaded only then; with Web Locks a second tab gets a draft of its own.

import * as store from "./store.js";
import { uuid7 } from "./uuid7.js";

/** The report that the draft became in another tab when it says the same, else null; then the draft has new ids. */
export async function filedElsewhere(draft) {
  const filed = await store.filedAs(draft.id);
  if (saysTheSame(filed, draft)) return filed;
  await rename(draft);
  return null;
}

/** A place found or filled in by itself is nobody's words, the age of a position least of all; the same photo made
 * smaller in two tabs has two ids but the same bytes. Of a report all sent, only title and ids are known here. */
function saysTheSame({ body, title, receipt }, draft) {
  const text = draft.text.trim();
  const sameFiles = (name, there) => String(there.sort()) === String(draft.files.map((file) => file[name]).sort());
  if (!body) {
    const sent = receipt ? [...receipt.photos.received, ...receipt.voices.received] : [];
    return sameFiles("id", sent) && (!text || title === text.replace(/\s+/g, " "));
  }
  const samePlace = (body.village_code ?? "") === draft.village_code && Boolean(body.position) === Boolean(draft.fix);
  return sameFiles("sha256", [...body.photos, ...body.voices].map((file) => file.sha256)) && body.text === text
    && body.severity === draft.severity && (body.category ?? "") === draft.category && (samePlace || !draft.settled);
}

/** What is written here goes on under new ids. Bytes that are no longer on this phone have arrived with that report. */
async function rename(draft) {
  const held = new Map((await store.filesOf(draft.id)).map((file) => [file.id, file]));
  draft.files = draft.files.filter((entry) => held.has(entry.id));
  draft.id = uuid7();
  const files = draft.files.map((entry) => {
    const file = { ...held.get(entry.id), id: uuid7(), report_id: draft.id };
    entry.id = file.id;
    return file;
  });
  await store.renameDraft(draft, files);
}
