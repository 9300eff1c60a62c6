// One report's state on the screen: icon, colour and a sentence, never colour alone.

import { icon, make } from "./dom.js";
import { say } from "./words.js";

const ICONS = {
  "saved": "clock", "sending": "send", "text-received": "image", "files-missing": "image", "complete": "check",
  "needs-login": "person", "declined": "close",
};

/** Icon and sentence for a state. */
export function stateLine({ state, words, satisfied }) {
  const thanks = satisfied === true ? ` · ${say("satisfied")}` : "";
  return make("span", { class: "state", data: { state } }, icon(ICONS[state] ?? "warn"), make("span", { text: words + thanks }));
}
