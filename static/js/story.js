// What became of one report: 已收到 → 谁在办 → 办好了, and the reporter's last word.

import * as account from "./account.js";
import * as api from "./api.js";
import { byId, fill, icon, make, tell } from "./dom.js";
import { refreshHistory } from "./history.js";
import { helpButtons } from "./list.js";
import { start } from "./start.js";
import { stateLine } from "./stateline.js";
import { describeQueued, describeSent, titleOf, when } from "./states.js";
import { stepsOf } from "./steps.js";
import * as store from "./store.js";
import { say } from "./words.js";

const query = new URLSearchParams(location.search);
let id = query.get("report");
let asked = false;

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
  byId("title").textContent = titleOf(sent ?? report);
  byId("severity").dataset.severity = severity;
  byId("severity").textContent = say(`severity_${severity}`);
  byId("filed").textContent = when(report.captured_at ?? report.body.captured_at);
  byId("number").textContent = sent?.case_number ?? "";
  fill(byId("state"), stateLine(state), state.state === "needs-help" ? helpButtons(id) : null);
  fill(byId("steps"), ...stepsOf(queued, sent).map(step));
  fill(byId("history"), ...(sent?.story?.history ?? []).map(event));
  byId("history-part").hidden = !sent?.story?.history?.length;
  drawPhotos(sent?.story, await store.filesOf(id));
  drawAnswer(sent);
}

function step({ key, state }) {
  const mark = state === "next" ? "" : ` · ${say(`mark_${state}`)}`;
  const words = say(`step_${key}`) + mark;
  return make("li", { data: { step: state } }, icon(state === "done" ? "check" : "clock"), make("span", { text: words }));
}

function event({ at, words, note }) {
  return make("li", {}, make("span", { class: "muted small", text: when(at) }), " ", make("span", { text: words }),
    note ? make("p", { class: "note", text: note }) : null);
}

const addresses = new Map();

function drawPhotos(story, files) {
  const local = files.filter((file) => file.kind === "photo").map((file) => ({ thumb_url: localAddress(file) }));
  const mine = story?.photos_state?.length ? story.photos_state : local;
  pictures("mine", mine, say("photo_before"));
  pictures("after", story?.after_photos ?? [], say("photo_after"));
}

function localAddress({ id: fileId, data, type }) {
  if (!addresses.has(fileId)) addresses.set(fileId, URL.createObjectURL(new Blob([data], { type })));
  return addresses.get(fileId);
}

function pictures(name, photos, words) {
  byId(`${name}-part`).hidden = photos.length === 0;
  fill(byId(name), ...photos.map(({ thumb_url, url, state }, at) => {
    if (!thumb_url) return make("li", {}, make("span", { class: "unseen", text: unseenWords(state) }));
    const image = make("img", { src: thumb_url, alt: `${words} ${at + 1}`, loading: "lazy" });
    return make("li", {}, url ? make("a", { href: url }, image) : image);
  }));
}

const unseenWords = (state) => say(state === "unreadable" ? "photo_unreadable" : "photo_not_ready");

function drawAnswer(sent) {
  const actions = sent?.satisfied === true ? [] : sent?.story?.actions ?? []; // who is content is not asked again
  byId("answer").hidden = actions.length === 0;
  const telling = !byId("dispute-part").hidden; // only one way on while somebody says what is not solved
  for (const action of ["confirm", "dispute"]) byId(action).hidden = !actions.includes(action) || (telling && action === "confirm");
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
  const { history, after_photos, photos_state, actions, version, photos, voices, ...line } = outcome.body;
  const before = (await store.get("sent", id)) ?? {};
  const story = { history, after_photos, photos_state, actions, version };
  await store.rememberSent([{ ...before, ...line, owner: me.id, story }]);
}

async function answer(action) {
  const { case_number: number, story } = await store.get("sent", id);
  const note = byId("note").value.trim();
  if (action === "dispute" && byId("dispute-part").hidden) return openDispute();
  setBusy(true);
  const path = `/api/cases/${encodeURIComponent(number)}/transitions`;
  const outcome = await api.call("POST", path, { action, note, version: story.version });
  const detail = outcome.kind === "answer" ? outcome.body?.detail || say("answer_failed") : say("answer_offline");
  tell(byId("answer-problem"), api.ok(outcome) ? "" : detail);
  if (api.ok(outcome)) tell(byId("thanks"), say(action === "confirm" ? "thanks_confirm" : "thanks_dispute"));
  await fresh();
  await show();
  setBusy(false);
  return undefined;
}

function openDispute() {
  byId("dispute-part").hidden = false;
  byId("confirm").hidden = true;
  byId("dispute").classList.add("btn-primary");
  byId("dispute").lastChild.textContent = say("dispute_send");
  byId("note").focus();
}

function setBusy(busy) {
  for (const action of ["confirm", "dispute"]) byId(action).disabled = busy;
}

byId("confirm").addEventListener("click", () => answer("confirm"));
byId("dispute").addEventListener("click", () => answer("dispute"));
start({ show, fresh });
