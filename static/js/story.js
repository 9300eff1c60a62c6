// What became of one report: 已收到 → 谁在办 → 办好了, what was said in it, and the reporter's last word.

import * as account from "./account.js";
import * as api from "./api.js";
import { addressOf, byId, fill, icon, make, picture, tell } from "./dom.js";
import { refreshHistory } from "./history.js";
import { helpFor } from "./list.js";
import { drawReceipt } from "./receipt.js";
import { start } from "./start.js";
import { stateLine } from "./stateline.js";
import { describeQueued, describeSent, titleOf, when } from "./states.js";
import { stepsOf } from "./steps.js";
import * as store from "./store.js";
import { say } from "./words.js";

const TITLE = 40; // characters; more are set like any other text
const SOON_MS = 2_000;
const LATER_MS = 60_000;

const query = new URLSearchParams(location.search);
let id = query.get("report");
let asked = false;
let answering = false;

async function show() {
  const me = await account.known();
  id ??= await findByCase(query.get("case"));
  const queued = id ? await store.get("reports", id) : null;
  const sent = id ? await store.get("sent", id) : null;
  const report = [queued, sent].find((one) => one && one.owner === me?.id);
  byId("loading").hidden = Boolean(report) || asked;
  byId("missing").hidden = Boolean(report) || !asked;
  byId("story").hidden = !report;
  if (report) await draw(report, queued, sent);
}

async function findByCase(number) {
  if (!number) return null;
  return (await store.all("sent")).find((entry) => entry.case_number === number)?.id ?? null;
}

async function draw(report, queued, sent) {
  const state = queued ? describeQueued(queued, await account.mustLogIn()) : describeSent(sent);
  const severity = report.severity ?? report.body?.severity ?? "blue";
  byId("severity").dataset.severity = severity;
  byId("severity").textContent = say(`severity_${severity}`);
  byId("filed").textContent = when(report.captured_at ?? report.body.captured_at);
  byId("number").textContent = sent?.case_number ?? "";
  const steps = stepsOf(queued, sent).map(step);
  fill(byId("steps"), ...steps);
  const told = steps.some(({ textContent }) => textContent === state.words); // nothing is said twice
  if (isNews("state", [state, told])) fill(byId("state"), told ? null : stateLine(state), helpFor(id, state.state));
  fill(byId("history"), ...(sent?.story?.history ?? []).map(event));
  byId("history-part").hidden = !sent?.story?.history?.length;
  await drawOwnWords(queued, sent);
  await drawFiles(sent?.story);
  drawAnswer(sent);
  drawReceipt(sent);
}

/** The whole text, the kind and the place, as they were sent: from this phone while it has them, else from the desk. */
async function drawOwnWords(queued, sent) {
  const said = queued?.body ?? sent?.story?.said ?? {};
  const text = said.text ?? "";
  byId("title").textContent = text || titleOf(sent ?? queued);
  byId("title").classList.toggle("long", text.length > TITLE);
  const { categories = [], villages = [] } = (await account.formData()).cached ?? {};
  const name = (list, code) => list.find((one) => one.code === code)?.name;
  const parts = [name(categories, said.category), name(villages, said.village_code)];
  byId("kind").textContent = parts.filter(Boolean).join(" · ");
}

function step({ key, state, icon: name }) {
  return make("li", { data: { step: state } }, icon(name), make("span", { text: say(`step_${key}`) }));
}

function event({ at, words, note }) {
  return make("li", {}, make("span", { class: "muted", text: when(at) }), " ", make("span", { text: words }),
    note ? make("p", { class: "note", text: note }) : null);
}

const addresses = new Map();

async function drawFiles(story) {
  const files = await store.filesOf(id);
  const local = (kind) => files.filter((file) => file.kind === kind).map((file) => localAddress(file));
  const here = local("photo").map((url) => ({ thumb_url: url, url }));
  pictures("mine", here.length ? here : story?.photos_state ?? [], say("photo_before"));
  pictures("after", story?.after_photos ?? [], say("photo_after"));
  drawVoice(local("voice")[0], story?.voices_state?.[0]);
}

/** From this phone while it has it, else the desk's copy; until that stands, or when it cannot, what is known of it. */
function drawVoice(own, atDesk) {
  const voice = own ?? atDesk?.url;
  byId("voice-part").hidden = !own && !atDesk;
  byId("playback").hidden = !voice;
  tell(byId("voice-state"), voice || !atDesk ? "" : unseenWords(atDesk.state));
  if (voice && byId("playback").getAttribute("src") !== voice) byId("playback").src = voice;
}

function localAddress(file) {
  if (!addresses.has(file.id)) addresses.set(file.id, addressOf(file));
  return addresses.get(file.id);
}

const drawn = {};

/** Whether a part of the page has changed: what stays the same is left alone, or it would flicker at every look. */
function isNews(name, facts) {
  const before = drawn[name];
  drawn[name] = JSON.stringify(facts);
  return drawn[name] !== before;
}

function pictures(name, photos, words) {
  byId(`${name}-part`).hidden = photos.length === 0;
  if (!isNews(name, photos)) return;
  fill(byId(name), ...photos.map(({ thumb_url, url, state }, at) => {
    if (!thumb_url) return make("li", {}, make("span", { class: "unseen", text: unseenWords(state) }));
    const name = `${words} ${at + 1}`;
    const look = { type: "button", class: "look", on: { click: () => view(url, name) } };
    return make("li", {}, make("button", look, picture(thumb_url, name)));
  }));
}

const unseenWords = (state) => say(state === "unreadable" ? "photo_unreadable" : "photo_not_ready");

let opener = null;

/** One picture over the whole screen. The phone's own way back closes it too, instead of leaving the story. */
function view(url, words) {
  opener = document.activeElement;
  fill(byId("viewed"), picture(url, words));
  history.pushState("viewing", "");
  setViewing(true);
  byId("viewer-close").focus();
}

function setViewing(open) {
  byId("viewer").hidden = !open;
  byId("story").inert = open;
  if (!open) opener?.focus();
}

function closeViewer() {
  if (!byId("viewer").hidden) history.back();
}

function drawAnswer(sent) {
  const actions = sent?.satisfied === true ? [] : sent?.story?.actions ?? []; // who is content is not asked again
  byId("answer").hidden = actions.length === 0;
  const telling = !byId("dispute-part").hidden; // only one way on while somebody says what is not solved
  byId("answer-ways").hidden = telling;
  for (const action of ["confirm", "dispute"]) byId(action).hidden = !actions.includes(action);
}

/** Ask the server for the story and keep it for reading without network. */
async function fresh() {
  const me = await account.known();
  if (!id && me) await refreshHistory();
  id ??= await findByCase(query.get("case"));
  const queued = id && (await store.get("reports", id));
  if (id && me && (!queued || queued.receipt)) await ask(me);
  asked = true;
}

async function ask(me) {
  const outcome = await api.call("GET", `/api/reports/${id}`);
  if (!api.ok(outcome) || outcome.body?.id !== id) return;
  const { history: events, after_photos, photos_state, voices_state, actions, version, photos, voices, ...line } = outcome.body;
  const before = await store.get("sent", id);
  const said = before?.story?.said ?? (await askWords(line.case_number));
  const story = { history: events, after_photos, photos_state, voices_state, actions, version, said };
  const receipt = { id, content_hash: line.content_hash, photos, voices, complete: line.complete };
  await store.rememberSent([{ ...line, owner: me.id, story, receipt }]);
  if ([...photos_state, ...voices_state].some(({ state }) => state === "processing")) lookAgain();
}

let pause = SOON_MS;
let waiting = 0;

/** A copy usually stands within seconds: look again soon, and ever more rarely. */
function lookAgain() {
  clearTimeout(waiting);
  waiting = setTimeout(() => fresh().then(show, console.warn), pause);
  pause = Math.min(2 * pause, LATER_MS);
}

/** One's own words as the desk has them: {text, category, village_code}. They never change, so once is enough. */
async function askWords(number) {
  const outcome = number ? await api.call("GET", `/api/cases/${encodeURIComponent(number)}`) : {};
  const own = outcome.body?.reports?.find((report) => report.id === id);
  return own && { text: own.text, category: outcome.body.category, village_code: outcome.body.area_code };
}

async function answer(action) {
  if (answering) return;
  setBusy(true);
  try {
    await send(action);
  } finally {
    setBusy(false);
  }
}

async function send(action) {
  const { case_number: number, story } = await store.get("sent", id);
  const note = action === "dispute" ? byId("note").value.trim() : "";
  const path = `/api/cases/${encodeURIComponent(number)}/transitions`;
  const outcome = await api.call("POST", path, { action, note, version: story.version });
  const detail = outcome.kind === "answer" ? outcome.body?.detail || say("answer_failed") : say("answer_offline");
  tell(byId("answer-problem"), api.ok(outcome) ? "" : detail);
  if (api.ok(outcome)) tell(byId("thanks"), say(`thanks_${action}`));
  if (api.ok(outcome)) byId("dispute-part").hidden = true;
  await fresh();
  await show();
}

/** Open the box where one says what is not solved, or fold it up again. */
async function dispute(open) {
  byId("dispute-part").hidden = !open;
  drawAnswer(await store.get("sent", id));
  byId(open ? "note" : "dispute").focus();
}

function setBusy(busy) {
  answering = busy;
  for (const button of byId("answer").querySelectorAll("button")) button.disabled = busy;
}

byId("confirm").addEventListener("click", () => answer("confirm"));
byId("dispute").addEventListener("click", () => dispute(true));
byId("dispute-back").addEventListener("click", () => dispute(false));
byId("dispute-send").addEventListener("click", () => answer("dispute"));
byId("viewer").addEventListener("click", closeViewer);
addEventListener("keydown", ({ key }) => { if (key === "Escape") closeViewer(); });
addEventListener("popstate", () => setViewing(false));
start({ show, fresh });
