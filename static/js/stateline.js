// One report's state on the screen: icon, colour and a sentence, never colour alone.

import { icon, make } from "./dom.js";
import { say } from "./words.js";

/** Icon and sentence for a state. */
export function stateLine({ state, words, satisfied }) {
  const thanks = satisfied === true ? ` · ${say("satisfied")}` : "";
  return make("span", { class: "state", data: { state } }, icon(iconFor(state)), make("span", { text: words + thanks }));
}

function iconFor(state) {
  const icons = { "saved": "clock", "sending": "send", "text-received": "image", "complete": "check", "needs-login": "person" };
  return icons[state] ?? "warn";
}
