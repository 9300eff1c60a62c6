// What may be chosen but need not be: how urgent it is, and which kind.

import { byId, fill, make } from "./dom.js";
import { say } from "./words.js";

/** 一般 or 紧急; once it is urgent the numbers for danger to life stand right below, in sight. */
export function severityChoice(draft, { changed }) {
  const inputs = [...document.querySelectorAll("input[name=severity]")];
  const show = () => { byId("danger").hidden = draft.severity !== "red"; };
  for (const input of inputs) {
    if (input.checked && input.value === "red") draft.severity = "red"; // chosen before this script came
    input.addEventListener("change", () => {
      draft.severity = input.value;
      show();
      byId("danger").scrollIntoView({ block: "nearest" });
      changed();
    });
  }
  for (const input of inputs) input.checked = input.value === draft.severity;
  show();
}

/** At most nine tiles; a second tap takes the choice back. Last time's kind comes first, but is not chosen: a photo
 * filed under yesterday's kind would mislead the desk. */
export function categoryTiles(draft, categories, last, { changed }) {
  const ordered = [...categories].sort((a, b) => (b.code === last) - (a.code === last)).slice(0, 9);
  fill(byId("tiles"), ...ordered.map((category) => tile(category, draft, category.code === last, changed)));
  byId("category").hidden = ordered.length === 0;
}

function tile({ code, name }, draft, isLast, changed) {
  const choose = ({ currentTarget }) => {
    draft.category = draft.category === code ? "" : code;
    for (const other of byId("tiles").children) {
      other.setAttribute("aria-pressed", String(other === currentTarget && draft.category === code));
    }
    changed();
  };
  const pressed = String(draft.category === code);
  return make("button", { type: "button", class: "btn tile", "aria-pressed": pressed, on: { click: choose } },
    make("span", { text: name }), isLast ? make("small", { class: "muted", text: say("last_time") }) : null);
}
