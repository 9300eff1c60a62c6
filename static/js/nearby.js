// 附近有人报过: what the desk knows of around here, as far as this phone knows. Loaded once the form stands and there is
// a place. One tap says 我也看到了; the report then tells of that case, and the desk gets one signal more.

import * as account from "./account.js";
import * as api from "./api.js";
import { byId, fill, icon, make } from "./dom.js";
import { refreshHistory } from "./history.js";
import { when } from "./states.js";
import * as store from "./store.js";
import { say } from "./words.js";

const MOST = 3;
const NEAR_M = 100;
const FARTHEST_M = 200; // a fix may be off by more, but then everything is near
const FRESH_MS = 300_000;
const OLD_MS = 600_000;
const FORGET_MS = 7 * 24 * 3600_000;
const METRES_PER_DEGREE = 111_195;

let shown = "";
let asking = null;

/** Offer what is near `draft`'s place, at once from what is kept, and anew when that is old and there is a network. */
export async function offer(draft, changed) {
  const me = await account.known();
  if (!me) return;
  const name = `nearby-${me.id}`;
  const kept = await store.get("kv", name);
  await draw(draft, kept, me, changed);
  if (isYounger(kept, FRESH_MS) || !navigator.onLine) return;
  asking ??= ask(name).finally(() => { asking = null; });
  if (await asking) await draw(draft, await store.get("kv", name), me, changed);
}

/** Also asks for the own list: only with it is it known which of these one has reported oneself. */
async function ask(name) {
  const [outcome] = await Promise.all([api.call("GET", "/api/nearby"), refreshHistory()]);
  if (!api.ok(outcome) || !Array.isArray(outcome.body.items)) return false;
  const { chosen = {} } = (await store.get("kv", name)) ?? {};
  await store.put("kv", { items: outcome.body.items, got: Date.now(), chosen }, name);
  return true;
}

const age = (kept) => Date.now() - kept.got;
const isYounger = (kept, span) => Boolean(kept?.items) && age(kept) >= 0 && age(kept) < span;

async function draw(draft, kept, me, changed) {
  const items = isYounger(kept, FORGET_MS) ? kept.items : [];
  const near = await marked(nearest(items, draft), draft, kept, me);
  const old = near.length && age(kept) > OLD_MS ? say("nearby_age", { when: when(kept.got) }) : "";
  const facts = JSON.stringify([near, old, draft.seen_case]);
  if (facts === shown) return;
  shown = facts;
  const choose = (number) => {
    note(draft, number, me.id).catch(() => {});
    draw(draft, kept, me, changed).then(() => byId("nearby").querySelector("button")?.focus());
    changed();
  };
  const kinds = (await account.formData()).cached?.categories ?? [];
  const lines = near.map((item) => line({ ...item, kind: kindOf(item, kinds) }, draft.seen_case, choose));
  const heading = make("h2", { id: "nearby-title" }, icon("pin"), " ", say("nearby_title"));
  byId("nearby").hidden = near.length === 0;
  fill(byId("nearby"), heading, make("ul", { class: "plain stack" }, ...lines), old ? make("p", { class: "muted", text: old }) : null);
}

/** The chosen one, wherever one is now; else the nearest within reach of the fix. */
function nearest(items, { fix, seen_case: chosen }) {
  const far = (item) => (fix ? metres(item, fix) : null);
  const all = items.map((item) => ({ ...item, far: far(item) }));
  if (chosen) return [all.find(({ number }) => number === chosen) ?? { number: chosen, far: null }];
  if (!fix) return [];
  const reach = Math.min(FARTHEST_M, Math.max(NEAR_M, fix.accuracy_m || 0));
  return all.filter((item) => item.far <= reach).sort((a, b) => a.far - b.far).slice(0, MOST);
}

function metres(item, fix) {
  const north = (item.lat - fix.lat) * METRES_PER_DEGREE;
  const east = (item.lon - fix.lon) * METRES_PER_DEGREE * Math.cos((fix.lat * Math.PI) / 180);
  return Math.hypot(north, east);
}

/** Which of them are one's own: reported from here, or seen too and filed since. Distances as coarse as they are true. */
async function marked(items, draft, kept, me) {
  const sent = (await store.all("sent")).filter(({ owner }) => owner === me.id);
  const own = new Set(sent.map((report) => report.case_number));
  return Promise.all(items.map(async (item) => {
    const by = kept?.chosen?.[item.number];
    const filed = Boolean(by) && by !== draft.id && Boolean(await store.filedAs(by));
    const far = item.far === null ? null : Math.max(10, Math.round(item.far / 10) * 10);
    return { ...item, far, own: own.has(item.number) || filed };
  }));
}

/** The finer kinds are the desk's; a phone knows their upper one. */
function kindOf({ category, number }, kinds) {
  const name = (code) => kinds.find((kind) => kind.code === code)?.name;
  return name(category) ?? name(category?.split("-")[0]) ?? number;
}

function line(item, chosen, choose) {
  const { number, kind, far, opened_at, signals, own } = item;
  const place = far === null ? null : say("nearby_far", { n: far });
  const facts = [place, opened_at && when(opened_at), signals && say("nearby_signals", { n: signals })].filter(Boolean).join(" · ");
  const about = [make("b", { text: kind }), make("p", { class: "muted", text: facts })];
  if (number === chosen) {
    return make("li", { class: "notice" }, icon("check"), make("div", { class: "grow", role: "status" }, ...about,
      make("p", { text: say("nearby_chosen") })), button("nearby_back", "btn", kind, () => choose(null)));
  }
  return make("li", { class: "stack" }, make("div", {}, ...about),
    own ? make("p", { text: say("nearby_own") }) : button("seen_too", "btn btn-big btn-wide", kind, () => choose(number)));
}

const button = (words, look, kind, click) =>
  make("button", { type: "button", class: look, "aria-label": `${say(words)} ${kind}`, text: say(words), on: { click } });

/** Into the draft, and beside the list: once that draft is filed, this one is the person's own. Who says nothing else
 * says just this; it goes away again with the choice. */
async function note(draft, number, owner) {
  const before = draft.seen_case;
  draft.seen_case = number ?? undefined;
  const words = say("seen_too");
  if (number && !draft.text.trim() && !draft.files.length) draft.text = words;
  if (!number && draft.text.trim() === words) draft.text = "";
  byId("text").value = draft.text;
  const kept = (await store.get("kv", `nearby-${owner}`)) ?? {};
  const { [before]: _taken_back, ...chosen } = kept.chosen ?? {};
  if (number) chosen[number] = draft.id;
  await store.put("kv", { ...kept, chosen }, `nearby-${owner}`);
}
