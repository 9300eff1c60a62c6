// The one control that turns reminders on for this device, on the tasks page and on the desk.

import * as push from "./push.js";
import { enable } from "./push-subscribe.js";
import { say } from "./words.js";

/** Show `button` while reminders could be turned on; `said` is told how it went. */
export async function startPushControl(button, said = button.querySelector("span"), box = button) {
  const now = await push.state();
  box.hidden = now === "on";
  if (now === "denied" || now === "impossible") refuse(button, said, now === "denied" ? "push_denied" : "push_failed");
  button.addEventListener("click", async () => {
    button.disabled = true;
    const outcome = await enable();
    button.disabled = false;
    said.textContent = say(`push_${outcome}`);
    if (outcome === "on") button.hidden = button !== box;
  });
}

function refuse(button, said, key) {
  said.textContent = say(key);
  if (said.closest("button") === button) button.disabled = true;
  else button.hidden = true;
}
