// A new report: one photo, one voice note or a few words are enough; everything else may stay empty.

import * as account from "./account.js";
import { categoryTiles, severityChoice } from "./choices.js";
import { byId, fill, icon, sure, tell } from "./dom.js";
import { filesIn, hold, isEmpty, mayWrite, newDraft, resumable, saver } from "./draft.js";
import { askToKeep, fileReport, isEnough } from "./filing.js";
import { drain } from "./outbox.js";
import { PhotoStrip } from "./photos.js";
import { asPosition, offerVillages, placeBox } from "./place.js";
import { askForSync } from "./pwa.js";
import { start } from "./start.js";
import { describeQueued, describeSent } from "./states.js";
import * as store from "./store.js";
import { LIMITS, whyNot } from "./take.js";
import { say } from "./words.js";

const MET_LASTS_MS = 600_000;
const SEND_WAITS_MS = 20_000;

const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

let draft = null;
let form = { ...LIMITS, categories: [], villages: [] };
let looks = 0;
let saved = null; // the id of the report once it is safe on this phone
let saving = false;
let impatient = false; // the person knows that something is not stored yet, and may go on without it
let parts = [];
let showPlace = null;
let auto = null;
let direct = null; // sends where nothing can be stored

async function open() {
  const me = await account.known();
  const query = new URLSearchParams(location.search);
  if (await isFiled(query.get("draft"), me)) return done(query.get("draft"));
  draft = await chooseDraft(query, me);
  const address = `/report?draft=${draft.id}`;
  history.replaceState(null, "", address + location.hash);
  byId("to_login").href = `/login?next=${address}`;
  auto = saver(draft, complainOfStore);
  if (!navigator.locks) import("./twice.js").catch(() => {}); // another tab may hold it too
  const stored = await store.filesOf(draft.id);
  draft.files = draft.files.filter(({ id }) => stored.some((file) => file.id === id));
  parts = [new PhotoStrip(draft, stored, { limits: () => form, complain, changed }), voicePart(stored)];
  severityChoice(draft, { changed });
  showPlace = placeBox(draft, { changed: () => { changed(); lookAround(); } });
  takeText();
  sure(byId("discard"), () => throwAway().catch(complainOfStore));
  await fillForm(me);
  if (draft.fix || draft.seen_case) lookAround();
  return goTo(location.hash.slice(1));
}

/** Whether a draft has become this user's report: who opens it again sees that it is safe. */
async function isFiled(id, me) {
  const report = id && (await store.filedAs(id));
  return Boolean(report) && report.owner === me?.id;
}

/** What was left unfinished, unless a new one is asked for or another tab has it open. */
async function chooseDraft(query, me) {
  const found = query.has("new") ? null : await resumable(query.get("draft"), me?.id ?? null);
  const free = found && (await hold(found.id));
  const left = free && (await store.get("drafts", found.id)); // its last holder may just have written
  byId("resumed").hidden = !left || left.id === query.get("draft");
  if (left) return left;
  const fresh = newDraft(me?.id);
  await hold(fresh.id);
  return fresh;
}

function changed() {
  if (saved) return;
  byId("discard").hidden = isEmpty(draft);
  auto.soon();
}

/** What was reported here already. On a bad line the app itself is kept first. */
function lookAround() {
  Promise.race([navigator.serviceWorker?.ready, new Promise((done) => { setTimeout(done, 5_000); })])
    .then(() => import("./nearby.js")).then(({ offer }) => offer(draft, changed)).catch(() => {});
}

/** The recorder's code comes with the first tap, or when there is a note to listen to. */
function voicePart(stored) {
  let box = null;
  const load = async () => {
    const { VoiceBox } = await import("./voicebox.js");
    box ??= new VoiceBox(draft, stored, { complain, changed });
  };
  const press = () => { if (!saving && !saved) box.press(); };
  byId("voice").classList.remove("unready");
  byId("voice").hidden = !(navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder);
  byId("record").addEventListener("click", () => load().then(press, () => complain(say("voice_not_loaded"))));
  if (filesIn(draft, "voice").length) load().catch(() => {});
  return { settled: () => box?.settled() };
}

/** What was typed before this script came stays. */
function takeText() {
  const box = byId("text");
  if (!draft.text.includes(box.value)) draft.text = [draft.text, box.value].filter(Boolean).join("\n");
  box.value = draft.text;
  box.addEventListener("input", () => { draft.text = box.value; changed(); });
}

async function fillForm(me) {
  const last = await account.lastChoice();
  const { cached, newer } = await account.formData();
  const use = (data) => {
    if (!data || saved) return;
    form = { ...form, ...data };
    const inTown = (code) => form.villages.some((village) => village.code === code);
    draft.village_code ||= [last.village_code, me?.area_code].find(inTown) ?? "";
    categoryTiles(draft, form.categories, last.category, { changed });
    offerVillages(form.villages, draft.village_code);
    showPlace();
  };
  use(cached);
  newer.then(use);
}

/** Where 说一说 and 写一写 lead. */
function goTo(part) {
  const target = { voice: byId("record"), text: byId("text") }[part];
  target?.scrollIntoView({ block: "center" });
  target?.focus();
}

async function throwAway() {
  auto.close();
  await isStored(); // a late write would bring the draft back
  Object.assign(draft, { text: "", files: [] });
  await store.discardDraft(draft.id);
  location.replace("/?stay=1");
}

async function send() {
  if (direct) return direct();
  if (saving || saved) return;
  saving = true;
  byId("send").setAttribute("aria-busy", "true");
  try {
    await opening;
    if (await isStored()) await file();
    else complain(say("photo_slow"));
  } catch (error) {
    console.warn("not saved", error);
    complainOfStore(error);
  }
  saving = false;
  byId("send").removeAttribute("aria-busy");
}

/** Everything is on disk. False when that takes too long; the next press goes on without it. */
async function isStored() {
  const stored = Promise.all(parts.map((part) => part.settled())).then(() => true);
  const late = sleep(impatient ? 1_000 : SEND_WAITS_MS).then(() => impatient);
  impatient = !(await Promise.race([stored, late]));
  return !impatient;
}

async function file() {
  const me = await account.known();
  if (!me) return complain(say("need_login_first"), "to_login");
  if (!mayWrite(draft, me.id)) return complain(say("other_person"), "to_new");
  if (!isEnough(draft)) return complain(say("nothing_yet"));
  const tooLarge = filesIn(draft, "photo").some(({ bytes }) => bytes > form.max_photo_bytes);
  if (tooLarge) return complain(say("photo_too_large"));
  await auto.now(); // a last word is on disk before anything is frozen
  auto.close();
  try {
    const { id } = await commit(me);
    afterwards().catch(() => {});
    return done(id);
  } catch (error) {
    auto = saver(draft, complainOfStore); // still a draft: keep writing it down
    throw error;
  }
}

/** Freeze what is in the form; not a second time what another tab has filed of it. */
async function commit(me) {
  const freeze = () => fileReport({ ...draft, position: asPosition(draft.fix) }, me);
  try {
    return await freeze();
  } catch (error) {
    if (error.name === "QuotaExceededError") return sleep(1_000).then(freeze); // after a refusal all is refused for a moment
    if (error.message === "file_lost") return freeze(); // a smaller copy has just taken a photo's place
    if (error.message !== "already_filed") throw error;
    const { filedElsewhere } = await import("./twice.js");
    return (await filedElsewhere(draft)) ?? freeze();
  }
}

/** Only now, after the database has committed, does the screen say 已存到手机. */
function done(id) {
  saved = id;
  byId("form").hidden = true;
  byId("done").hidden = false;
  byId("done-ways").before(byId("danger"));
  byId("done-story").href = `/story?report=${id}`;
  byId("done-title").focus();
  scrollTo(0, 0);
  history.replaceState(null, "", `/report?draft=${id}`);
  drain("eager");
  return show();
}

async function afterwards() {
  await account.rememberChoice({ category: draft.category, village_code: draft.village_code });
  await askToKeep();
  byId("done-later").textContent = say((await askForSync()) ? "later_sync" : "later_open");
}

/** The state of the report just saved, live. */
async function show() {
  if (!saved) return;
  looks += 1;
  const mine = looks;
  const [report, sent, mustLogIn] = await Promise.all([store.get("reports", saved), store.get("sent", saved), account.mustLogIn()]);
  if (mine < looks) return; // a later look knows more
  const { state, words } = report ? describeQueued(report, mustLogIn) : describeSent(sent);
  const fine = !["lost", "needs-help"].includes(state);
  fill(byId("done-sign"), icon(fine ? "check" : "warn"));
  byId("done").dataset.state = fine ? "fine" : "bad";
  byId("done-title").textContent = words;
  byId("done-later").hidden = !["saved", "sending"].includes(state) || report.tries > 0;
  byId("done-lost").hidden = state !== "lost";
  byId("done-story").hidden = state === "lost";
}

/** What is wrong, beside the button, until the next tap; `way`: the id of the link that leads out of it. A bar higher
 * than a third of the screen stops sticking. */
function complain(text, way = null) {
  const box = byId("complaint");
  const before = box.hidden ? "" : box.querySelector(".grow").textContent;
  tell(box, !text || before.includes(text) ? text && before : `${before} ${text}`.trim());
  for (const link of box.querySelectorAll("a")) link.hidden = link.id !== way;
  const bar = byId("send-bar");
  bar.classList.remove("loose");
  if (text && bar.offsetHeight * 3 > innerHeight) {
    bar.classList.add("loose");
    bar.scrollIntoView({ block: "end" });
  }
}

function complainOfStore(error) {
  complain(error?.message === "file_lost" ? say("file_lost") : whyNot(error, "save_failed"));
}

byId("send").addEventListener("click", send);
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
byId("form").addEventListener("click", ({ target }) => { if (!target.closest("#complaint")) complain(""); }, true);
addEventListener("pagehide", () => auto?.now());
document.addEventListener("visibilitychange", () => { if (document.hidden) auto?.now(); });
const opening = open().catch(async (error) => {
  complainOfStore(error);
  if (!draft) direct = (await import("./direct.js")).direct(complain);
}).catch(() => {});
start({ show, quiet: MET_LASTS_MS, busy: () => !saved && draft !== null && !isEmpty(draft) });
