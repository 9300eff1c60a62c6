// The responder's phone: one thing to do next, kept on the phone first; countdown, reminders, and plain words when the
// line is down.

import * as account from "./account.js";
import { startCountdown, tick } from "./countdown.js";
import { byId, tell } from "./dom.js";
import { start } from "./start.js";
import { keepForLater, sayHowOld } from "./task-kept.js";
import { startPushControl } from "./task-push.js";
import { loginPath, offerLogin, sessionOver } from "./task-session.js";
import { showLeft } from "./task-left.js";
import { showWaiting, Steps } from "./task-steps.js";
import { say } from "./words.js";

const task = byId("task");
const steps = task && new Steps(task.dataset.number, { complain: (text) => tell(byId("failed"), text), refresh });

/** The case as it is now, on the screen and in what is kept for later. */
async function refresh() {
  await globalThis.htmx?.ajax("GET", location.pathname, { target: "#task", swap: "outerHTML" });
  await fetch(location.pathname).catch(() => {});
}

async function show() {
  if (steps) return steps.show();
  await showWaiting(byId("main"));
  return byId("left") && showLeft(byId("left"), await account.known(), show);
}

function failed(event) {
  const { ctx } = event.detail ?? {};
  const status = ctx?.response?.status;
  if (status === 401) return sessionOver(byId("failed"));
  if (ctx?.sourceElement?.id === "called" || status === 409 || status === 422) return;
  offerLogin(byId("failed"), false);
  byId("failed").dataset.why = status ? "server" : "network";
  tell(byId("failed"), status === 404 ? say("gone") : status ? say("failed", { status }) : say("no_network"));
  byId("failed").scrollIntoView({ block: "nearest" });
}

/** A step that was taken ends what was said before it; who else was called is only asked again. */
function swapped({ detail }) {
  if (detail?.ctx?.sourceElement?.id !== "called") tell(byId("failed"), "");
  tick();
  steps.show();
}

/** Any answer means that the line is up again. */
function answered() {
  if (byId("failed").dataset.why === "network") tell(byId("failed"), "");
}

if (task) {
  document.addEventListener("htmx:response:error", failed);
  document.addEventListener("htmx:error", failed);
  document.addEventListener("htmx:after:request", answered);
  document.addEventListener("htmx:after:swap", swapped);
}
document.documentElement.classList.add("scripted");
byId("login").querySelector("a").href = loginPath();
startCountdown();
sayHowOld(() => steps?.busy ?? false, show);
start({ show, busy: () => steps?.busy ?? false }).then(() => keepForLater());
if (byId("push")) startPushControl(byId("push"), byId("push-said"), byId("push-box"));
