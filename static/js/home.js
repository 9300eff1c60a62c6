// Home: the one big button, and what became of my reports.

import * as account from "./account.js";
import { byId, sure, tell } from "./dom.js";
import { filesIn, isEmpty, newDraft, unfinished } from "./draft.js";
import { gather, refreshHistory } from "./history.js";
import { drawLines } from "./list.js";
import * as push from "./push.js";
import { enable } from "./push-subscribe.js";
import { start } from "./start.js";
import { titleOf } from "./states.js";
import * as store from "./store.js";
import { takePhoto, whyNot } from "./take.js";
import { say } from "./words.js";

const SHOWN = 5;
const HOMES = {
  duty: "/desk", leader: "/desk", liaison: "/tasks", responder: "/tasks", analyst: "/analysis", admin: "/admin",
};
const DAY_MS = 24 * 3600_000;

const shutter = byId("shutter");
let left = null; // the latest unfinished draft
let busy = false; // a photo is being stored
let justStarted = !document.referrer && !new URLSearchParams(location.search).has("stay");

async function show() {
  const { me, items } = await gather();
  byId("place").textContent = me?.area_name || say("app");
  byId("who").textContent = me?.name ? say("hello", { name: me.name }) : "";
  byId("tasks").hidden = me?.role !== "grid";
  drawLines(byId("list"), items.slice(0, SHOWN));
  byId("empty").hidden = items.length > 0;
  byId("all").hidden = items.length <= SHOWN;
  await showDrafts(me);
}

async function showDrafts(me) {
  const drafts = await unfinished(me?.id ?? null);
  [left] = drafts;
  tell(byId("draft"), left ? say("draft_left", { n: drafts.length }) : "");
  byId("discard").hidden = !left;
  if (!left) return;
  const body = { text: left.text, photos: filesIn(left, "photo"), voices: filesIn(left, "voice") };
  byId("draft-title").textContent = titleOf({ body });
  byId("draft-go").href = `/report?draft=${left.id}`;
}

async function throwAway() {
  await store.discardDraft(left.id);
  byId("discard").open = false;
  await show();
}

async function fresh() {
  await refreshHistory();
  await dropEmptyDrafts();
}

/** Other roles have their own first page. Only who has just opened the app goes there, only on the server's word, and
 * never from under a photo; who came here from one of our pages wants to report something. */
function sendHome({ me, fresh: asked }) {
  const opened = justStarted;
  justStarted = false;
  if (opened && asked && !busy && HOMES[me.role]) location.replace(HOMES[me.role]);
}

async function dropEmptyDrafts() {
  const old = (one) => isEmpty(one) && Date.now() - Date.parse(one.updated_at) > DAY_MS;
  for (const { id } of (await store.all("drafts")).filter(old)) await store.discardDraft(id);
}

/** The photo goes to disk as it is; the form makes it smaller. */
async function onPhoto() {
  const [file] = shutter.files;
  if (!file || busy) return;
  setBusy(true);
  shutter.value = "";
  tell(byId("problem"), "");
  try {
    const draft = newDraft((await account.known())?.id);
    await takePhoto(draft, file);
    location.assign(`/report?draft=${draft.id}`);
  } catch (error) {
    tell(byId("problem"), whyNot(error, "photo_failed"));
    setBusy(false);
  }
}

function setBusy(value) {
  busy = value;
  byId("shutter-box").toggleAttribute("data-busy", busy);
}

async function offerPush() {
  const state = await push.state().catch(() => "impossible");
  byId("push").hidden = state !== "off";
  byId("push").querySelector("button").onclick = async (event) => {
    event.currentTarget.disabled = true;
    byId("push").querySelector(".grow").textContent = say(`push_${await enable()}`);
    byId("push").querySelector("button").hidden = true;
  };
}

shutter.addEventListener("change", onPhoto);
addEventListener("pageshow", ({ persisted }) => { if (persisted) setBusy(false); }); // back from the form
onPhoto(); // what was chosen before this script came
sure(byId("discard"), throwAway);
start({ show, met: sendHome, fresh }).then(offerPush);
