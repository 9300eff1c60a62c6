// 推送: a real push from the centre to this very phone, and whether it came.

import * as api from "./api.js";
import * as inst from "./install.js";
import { system } from "./phone-device.js";
import { say } from "./words.js";
import * as push from "./push.js";
import { enable } from "./push-subscribe.js";

const COMES_WITHIN_MS = 30_000;
const FAULTS = { 401: "push_login", 429: "push_often" };

/** Reminders on this phone. */
export const reminders = { id: "push", look, test };

async function look() {
  const state = await push.state();
  if (state === "impossible" || state === "denied") return refusal(state);
  return { state: "unknown", says: [say(`push_is_${state}`)] };
}

/** Switched on first when it is off: this runs from a click. A dead address is exchanged for a new one, once. */
async function test(tell) {
  if ((await push.state()) === "impossible") return refusal("impossible");
  tell(say("push_opening"));
  const switched = (await push.state()) === "on" ? "on" : await enable();
  if (switched !== "on") return refusal(switched);
  const coming = arrival();
  let outcome = await api.call("POST", "/api/push/test");
  if (outcome.body?.code === "endpoint_dead" && (await enable()) === "on") outcome = await api.call("POST", "/api/push/test");
  if (outcome.status !== 202) {
    coming.forget();
    return fault(outcome);
  }
  tell(say("push_waiting"));
  return judge(await coming.seconds);
}

function judge(seconds) {
  if (seconds !== null) return { state: "fine", says: [say("push_came", { n: seconds })], advice: [say("push_came_how")] };
  return { state: "look", says: [say("push_lost")], advice: [say(`push_lost_${system()}`)] };
}

/** The service worker tells every open page of a push; `seconds` is how long that took, or null. */
function arrival() {
  const began = performance.now();
  const listening = new AbortController();
  const seconds = new Promise((done) => {
    const end = (value) => {
      clearTimeout(timer);
      listening.abort();
      done(value);
    };
    const timer = setTimeout(end, COMES_WITHIN_MS, null);
    const hear = ({ data }) => { if (data?.type === "push") end(Math.ceil((performance.now() - began) / 1000)); };
    navigator.serviceWorker.addEventListener("message", hear, { signal: listening.signal });
    listening.signal.addEventListener("abort", () => clearTimeout(timer));
  });
  return { seconds, forget: () => listening.abort() };
}

function refusal(why) {
  const toInstall = why === "impossible" && system() === "iphone" && !inst.installed();
  return { state: "look", says: [say(`push_is_${why}`)], advice: [say(toInstall ? "push_install" : `push_${why}_${system()}`)] };
}

function fault({ kind, status, body }) {
  const words = kind === "answer" ? body?.detail : say("push_no_network");
  return { state: "look", says: [FAULTS[status] ? say(FAULTS[status]) : words || say("test_failed")], advice: [] };
}
