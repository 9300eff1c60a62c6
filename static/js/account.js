// Whose phone this is right now. The last known user is kept so that a report can be filed without network.

import * as api from "./api.js";
import * as store from "./store.js";

const FORM_LASTS_MS = 24 * 3600_000;

/** The user of this phone, or null. Whoever logged in last counts, even when the server was not asked since. */
export async function known() {
  const me = (await store.get("kv", "me")) ?? null;
  const who = marked();
  return who === null || who === me?.id ? me : { id: who, name: "", role: null, area_code: null };
}

/** The id a login left beside its session; the session itself is hidden from scripts. */
function marked() {
  const [, id] = /(?:^|; )fieldapp_user=(\d+)(?:;|$)/.exec(document.cookie) ?? [];
  return id === undefined ? null : Number(id);
}

/** True when the server said that nobody is logged in here. */
export async function mustLogIn() {
  return (await store.get("kv", "session")) === "needs-login";
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
  if (api.ok(outcome) && Number.isInteger(outcome.body?.id)) {
    await store.put("kv", outcome.body, "me");
    await store.put("kv", Date.now(), "met_at");
    await noteSession("ok");
    return { me: outcome.body, fresh: true };
  }
  if (outcome.kind === "answer" && outcome.status === 401) await noteSession("needs-login");
  return { me: await known(), fresh: false, reached: outcome.kind === "answer" };
}

/** Remember whether the queue may be sent. */
export function noteSession(state) {
  return store.put("kv", state, "session");
}

/** Categories, villages and limits: the cached ones at once, and a promise of newer ones once they are a day old. */
export async function formData() {
  const cached = (await store.get("kv", "form")) ?? null;
  const young = cached?.lang === document.documentElement.lang && Date.now() - cached.at < FORM_LASTS_MS;
  return { cached, newer: young ? Promise.resolve(null) : refreshForm() };
}

async function refreshForm() {
  const outcome = await api.call("GET", "/api/form");
  if (!api.ok(outcome) || !Array.isArray(outcome.body?.categories)) return null;
  await store.put("kv", { ...outcome.body, at: Date.now(), lang: document.documentElement.lang }, "form");
  return outcome.body;
}
