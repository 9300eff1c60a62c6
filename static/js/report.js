// A new report: one photo, one voice note or a few words are enough; everything else may stay empty.

import * as account from "./account.js";
import { categoryTiles, severityChoice } from "./choices.js";
import { byId, fill, tell } from "./dom.js";
import { hold, isEmpty, newDraft, rename, resumable, saver } from "./draft.js";
import { askToKeep, fileReport, isEnough } from "./filing.js";
import { drain } from "./outbox.js";
import { photoStrip } from "./photos.js";
import { asPosition } from "./place.js";
import { offerVillages, placeBox } from "./placebox.js";
import { askForSync } from "./pwa.js";
import { start } from "./start.js";
import { stateLine } from "./stateline.js";
import { describeQueued, describeSent } from "./states.js";
import * as store from "./store.js";
import { voiceBox } from "./voicebox.js";
import { say } from "./words.js";

const LIMITS = { max_photos: 9, max_photo_bytes: 20_000_000, categories: [], villages: [] };

const MET_LASTS_MS = 600_000;

let draft = null;
let form = LIMITS;
let saved = null; // the id of the report once it is safe on this phone
let saving = false;
let parts = [];
let auto = null;

async function open() {
  const me = await account.known();
  draft = await chooseDraft(me);
  history.replaceState(null, "", `/report?draft=${draft.id}${location.hash}`);
  auto = saver(draft, complainOfStore);
  const changed = () => { if (!saved) { auto.soon(); complain(""); } };
  const stored = await store.filesOf(draft.id);
  parts = [
    photoStrip(draft, stored, { limits: () => form, complain, changed }),
    voiceBox(draft, stored, { complain, changed }),
  ];
  severityChoice(draft, { changed });
  placeBox(draft, { changed });
  // what was typed while a slow phone was still opening the form stays
  const typed = byId("text").value;
  if (!draft.text.includes(typed)) draft.text = [draft.text, typed].filter(Boolean).join("\n");
  byId("text").value = draft.text;
  byId("text").addEventListener("input", ({ target }) => { draft.text = target.value; changed(); });
  await fillForm(me, changed);
  goTo(location.hash.slice(1));
}

/** Go on with what was left unfinished, unless a new one is asked for. */
async function chooseDraft(me) {
  const query = new URLSearchParams(location.search);
  const found = query.has("new") ? null : await resumable(query.get("draft"), me?.id ?? null);
  byId("resumed").hidden = !found || found.id === query.get("draft");
  const chosen = found && (await hold(found.id)) ? found : { ...newDraft(me?.id), fix: null };
  if (chosen !== found) {
    byId("resumed").hidden = true;
    await hold(chosen.id);
  }
  return chosen;
}

async function fillForm(me, changed) {
  const last = (await store.get("kv", "last")) ?? {};
  const { cached, newer } = await account.formData();
  const use = (data) => {
    if (!data) return;
    form = { ...LIMITS, ...data };
    const inTown = (code) => form.villages.some((village) => village.code === code);
    draft.village_code ||= [last.village_code, me?.area_code].find(inTown) ?? "";
    categoryTiles(draft, form.categories, last.category, { changed });
    offerVillages(form.villages, draft.village_code);
  };
  use(cached);
  newer.then((data) => { if (!saved) use(data); });
}

/** Where 说一说 and 写一写 lead. */
function goTo(part) {
  const target = { voice: byId("record"), text: byId("text") }[part];
  target?.scrollIntoView({ block: "center" });
  target?.focus();
}

async function send() {
  if (saving || saved) return;
  saving = true;
  await opening;
  byId("send").disabled = true;
  try {
    await Promise.all(parts.map((part) => part.settled()));
    await file();
  } catch (error) {
    console.warn("not saved", error);
    complainOfStore(error);
  } finally {
    saving = false;
    byId("send").disabled = false;
  }
}

async function file() {
  const me = await account.known();
  if (!me) return complain(say("need_login_first"));
  if (!isEnough(draft)) return complain(say("nothing_yet"));
  auto.close();
  const { fix, ...content } = draft;
  try {
    const position = asPosition(fix);
    const report = await fileReport({ ...content, position }, me).catch(async (error) => {
      if (error.message !== "already_filed") throw error;
      await rename(draft);
      return fileReport({ ...content, id: draft.id, files: draft.files, position }, me);
    });
    saved = report.id;
  } catch (error) {
    auto = saver(draft, complainOfStore); // still a draft: keep writing it down
    throw error;
  }
  done();
  return undefined;
}

/** Only now, after the database has committed, does the screen say 已存到手机. */
function done() {
  byId("form").hidden = true;
  byId("done").hidden = false;
  byId("done-title").focus();
  history.replaceState(null, "", "/report");
  drain("eager");
  afterwards().catch(() => {});
}

async function afterwards() {
  await store.put("kv", { category: draft.category, village_code: draft.village_code }, "last");
  await askToKeep();
  await askForSync();
}

/** The state of the report just saved, live. */
async function show() {
  if (!saved) return;
  const [report, sent] = await Promise.all([store.get("reports", saved), store.get("sent", saved)]);
  const state = report ? describeQueued(report, await account.mustLogIn()) : describeSent(sent ?? {});
  fill(byId("done-state"), stateLine(state));
  byId("done-later").hidden = state.state === "complete";
  if (state.state === "complete") byId("done-title").textContent = say("state_complete");
  byId("done-story").href = `/story?report=${saved}`;
}

function complain(text) {
  tell(byId("complaint"), text);
}

function complainOfStore(error) {
  const full = error?.name === "QuotaExceededError";
  complain(say(full ? "storage_full" : error?.message === "file_lost" ? "file_lost" : "save_failed"));
}

byId("send").addEventListener("click", send);
addEventListener("pagehide", () => auto?.now());
document.addEventListener("visibilitychange", () => { if (document.hidden) auto?.now(); });
const opening = open().catch(complainOfStore);
start({ show, quiet: MET_LASTS_MS, busy: () => !saved && draft !== null && !isEmpty(draft) });
