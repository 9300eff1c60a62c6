// The responder's phone: countdown, reminders, after-photos before the words, and a plain sentence when the line is down.

import { byId, tell } from "./dom.js";
import { say } from "./words.js";
import { startCountdown, tick } from "./countdown.js";
import { photosSent, startPhotos } from "./task-photos.js";
import { startPushControl } from "./task-push.js";
import { offerLogin, sessionOver } from "./task-session.js";

let letThrough = null; // the form whose photos were waited for

/** The outcome waits for its photos; if one cannot be sent, a second press sends the words alone. */
async function hold(event) {
  const form = event.target;
  if (!form.querySelector("input[type=file]") || letThrough === form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const button = form.querySelector("button.the-step");
  button.disabled = true;
  const sent = await photosSent();
  button.disabled = false;
  letThrough = form;
  if (sent) setTimeout(() => form.requestSubmit(button)); // not while the first submit is still being told
  else tell(byId("failed"), say("photos_left"));
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
}

/** Any answer means that the line is up again. */
function answered() {
  if (byId("failed").dataset.why === "network") tell(byId("failed"), "");
}

if (byId("task")) {
  document.documentElement.classList.add("scripted");
  document.addEventListener("submit", hold, { capture: true });
  document.addEventListener("htmx:response:error", failed);
  document.addEventListener("htmx:error", failed);
  document.addEventListener("htmx:after:request", answered);
  document.addEventListener("htmx:after:swap", swapped);
  startPhotos();
}
startCountdown();
if (byId("push")) startPushControl(byId("push"), byId("push-said"), byId("push-box"));
