// What the desk knows about the server and the worker, said in plain words.

import { byId, tell } from "./dom.js";
import { span } from "./countdown.js";
import { offerLogin, sessionOver } from "./task-session.js";
import { say } from "./words.js";

const SILENT_S = 20; // four signs missed, so that it is said within 30 s
const NEVER_S = 900_000;
let lostSince = null;
let age = null; // the worker's, at `askedAt`
let askedAt = 0;

/** The server answered. */
export function found() {
  lostSince = null;
  tell(byId("lost"), "");
  if (byId("failed")?.dataset.why === "network") tell(byId("failed"), "");
}

/** It did not: since when, and whether logging in would help. */
export function lost(why) {
  lostSince ??= new Date();
  if (why === "login") return sessionOver(byId("lost"));
  const time = lostSince.toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: "Asia/Shanghai" });
  offerLogin(byId("lost"), false);
  tell(byId("lost"), say("lost", { time }));
}

/** Something the officer did was not done or not opened; what only the network was to blame for is over with it. */
export function failed(status, reading) {
  byId("failed").dataset.why = status ? "server" : "network";
  const gone = say(reading ? "not_reached" : "no_network");
  tell(byId("failed"), status ? say(reading ? "not_opened" : "failed", { status }) : gone);
}

/** What the audit found, as "calls:3" or "sends:3", or what a push service holds against our configuration. */
export function trouble(why) {
  const [kind, n] = why?.split(":") ?? [];
  const said = n === undefined ? say("trouble", { why }) : say(`trouble_${kind}`, { n });
  tell(byId("trouble"), why ? said : "");
}

/** The worker's age in seconds as the server just said. A 304 means that it was still fine. */
export function worker(seconds) {
  age = seconds;
  askedAt = Date.now();
  const silent = age > SILENT_S;
  const since = age > NEVER_S ? say("worker_never") : say("worker_silent", { time: span(Math.max(1, Math.round(age / 60))) });
  tell(byId("worker-silent"), silent ? since : "");
  const fine = byId("worker"); // only the desk says that all is well
  if (fine) fine.textContent = silent ? "" : say("worker_ok", { n: age });
}
