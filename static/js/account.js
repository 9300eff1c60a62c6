// Whose phone this is right now. The last known user is kept so that a report can be filed without network.

import * as api from "./api.js";
import * as store from "./store.js";

const FORM_LASTS_MS = 24 * 3600_000;
const NOBODY = 0; // what a logout leaves where a login leaves the user's id

/** The user of this phone, or null. Whoever logged in last counts, even when the server was not asked since; after a
 * logout it is nobody's. */
export async function known() {
  const me = (await store.get("kv", "me")) ?? null;
  const who = marked();
  if (who === NOBODY) return null;
  return who === null || who === me?.id ? me : { id: who, name: "", role: null, area_code: null };
}

/** The id a login left beside its session, NOBODY after a logout, null when neither is known; the session itself is
 * hidden from scripts. */
function marked() {
  const [, id] = /(?:^|; )fieldapp_user=(\d+)(?:;|$)/.exec(globalThis.document?.cookie) ?? [];
  return id === undefined ? null : Number(id);
}

/** True when nobody is logged in here: the server said so, or somebody has logged out. */
export async function mustLogIn() {
  return marked() === NOBODY || (await store.get("kv", "session")) === "needs-login";
}

/** Whether the server said who this is within `span` (ms): a page that needs no network then asks for nothing. */
export async function metWithin(span) {
  const age = Date.now() - ((await store.get("kv", "met_at")) ?? 0);
  if (marked() !== ((await store.get("kv", "me"))?.id ?? null)) return false;
  return age >= 0 && age < span && !(await mustLogIn());
}

/** Ask the server who is logged in. → {me, fresh}; keeps the cached user when it cannot be asked or says 401. */
export async function refresh() {
  const outcome = await api.call("GET", "/api/me");
  const fresh = api.ok(outcome) && Number.isInteger(outcome.body.id);
  if (fresh) {
    await store.put("kv", outcome.body, "me");
    await store.put("kv", Date.now(), "met_at");
    await noteSession("ok");
  }
  if (outcome.problem && outcome.status === 401) {
    await noteSession("needs-login");
    globalThis.caches?.delete("tasks"); // pages of cases are nobody's any more (static/sw.js)
  }
  return { me: fresh ? outcome.body : await known(), fresh };
}

/** Remember whether the queue may be sent. */
export function noteSession(state) {
  return store.put("kv", state, "session");
}

/** Categories, villages and limits for this user: the cached ones at once, and a promise of newer ones once they are a
 * day old. Another town's villages are another user's. */
export async function formData() {
  const name = await ownName("form");
  const cached = (await store.get("kv", name)) ?? null;
  const young = cached?.lang === document.documentElement.lang && Date.now() - cached.at < FORM_LASTS_MS;
  return { cached, newer: young ? Promise.resolve(null) : refreshForm(name) };
}

async function refreshForm(name) {
  const outcome = await api.call("GET", "/api/form");
  if (!api.ok(outcome) || !Array.isArray(outcome.body.categories)) return null;
  await store.put("kv", { ...outcome.body, at: Date.now(), lang: document.documentElement.lang }, name);
  return outcome.body;
}

/** What this user chose in the last report: {category, village_code}, or nothing yet. */
export const lastChoice = async () => (await store.get("kv", await ownName("last"))) ?? {};

/** Remember what this user chose, for the next report. */
export const rememberChoice = async (choice) => store.put("kv", choice, await ownName("last"));

const ownName = async (thing) => `${thing}-${(await known())?.id ?? "nobody"}`;
