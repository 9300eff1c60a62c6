// Home: the one big button, and what became of my reports.

import * as account from "./account.js";
import { readPhoto } from "./camera.js";
import { byId, fill, tell } from "./dom.js";
import { addFile, isEmpty, newDraft, saveNow, unfinished } from "./draft.js";
import { gather, refreshHistory } from "./history.js";
import { lines } from "./list.js";
import * as push from "./push.js";
import { start } from "./start.js";
import * as store from "./store.js";
import { say } from "./words.js";

const SHOWN = 5;
const HOMES = { duty: "/desk", leader: "/desk", liaison: "/tasks", responder: "/tasks", analyst: "/analysis", admin: "/admin" };
const DAY_MS = 24 * 3600_000;

let draft = null;

async function show() {
  const { me, items } = await gather();
  byId("place").textContent = me?.area_name || say("app");
  byId("who").textContent = me ? say("hello", { name: me.name }) : "";
  byId("tasks").hidden = me?.role !== "grid";
  fill(byId("list"), ...lines(items.slice(0, SHOWN)));
  byId("empty").hidden = items.length > 0;
  byId("all").hidden = items.length <= SHOWN;
  const drafts = await unfinished(me?.id ?? null);
  const card = byId("draft");
  tell(card, drafts.length ? say("draft_left", { n: drafts.length }) : "");
  if (drafts.length) card.querySelector("a").href = `/report?draft=${drafts[0].id}`;
}

async function fresh() {
  await refreshHistory();
  await dropEmptyDrafts();
}

/** Other roles have their own first page; only when the server said so just now, never from memory. */
function sendHome({ me, fresh: asked }) {
  if (asked && HOMES[me.role]) location.replace(HOMES[me.role]);
}

async function dropEmptyDrafts() {
  const old = (one) => isEmpty(one) && Date.now() - Date.parse(one.updated_at) > DAY_MS;
  for (const { id } of (await store.all("drafts")).filter(old)) await store.discardDraft(id);
}

/** The draft is on disk before the camera opens: a cheap phone may kill this page meanwhile. */
async function beforeCamera() {
  draft = newDraft((await account.known())?.id);
  await saveNow(draft);
}

async function onPhoto(event) {
  const [file] = event.target.files;
  if (!file) return;
  byId("shutter-box").dataset.busy = "yes";
  try {
    const photo = await readPhoto(file);
    draft ??= newDraft((await account.known())?.id);
    await addFile(draft, "photo", photo);
    location.assign(`/report?draft=${draft.id}`);
  } catch (error) {
    tell(byId("storage"), say(error.name === "QuotaExceededError" ? "storage_full" : "photo_failed"));
  } finally {
    event.target.value = "";
    delete byId("shutter-box").dataset.busy;
  }
}

async function offerPush() {
  const state = await push.state().catch(() => "impossible");
  byId("push").hidden = state !== "off";
  byId("push").querySelector("button").onclick = async (event) => {
    event.currentTarget.disabled = true;
    byId("push").querySelector(".grow").textContent = say(`push_${await push.enable()}`);
    byId("push").querySelector("button").hidden = true;
  };
}

byId("shutter").addEventListener("click", () => { beforeCamera().catch(() => {}); });
byId("shutter").addEventListener("change", onPhoto);
start({ show, met: sendHome, fresh }).then(offerPush);
