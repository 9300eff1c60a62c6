// What was begun of a 处置反馈 and never sent: it stays in sight, also when its case has gone on without it.

import { fill, icon, make } from "./dom.js";
import { isEmpty } from "./draft.js";
import { fileStep } from "./fieldwork.js";
import { drain } from "./outbox.js";
import * as store from "./store.js";
import { say } from "./words.js";

/** Show the user's own unfinished outcomes in `list`; `changed()` draws the page again. */
export async function showLeft(list, me, changed) {
  const isLeft = (draft) => draft.case && draft.owner === me?.id && !isEmpty(draft);
  fill(list, ...(await store.all("drafts")).filter(isLeft).map((draft) => line(draft, me, changed)));
}

function line(draft, me, changed) {
  const send = async () => {
    await fileStep({ number: draft.case, action: "report_outcome", note: draft.text, draft }, me);
    await changed();
    drain("eager");
  };
  const drop = async () => {
    await store.discardDraft(draft.id);
    await changed();
  };
  return make("li", { class: "notice", data: { id: draft.id } },
    make("p", { class: "grow" }, make("b", { text: say("outcome_left", { number: draft.case }) }), " ",
      make("span", { text: draft.text || say("outcome_photos", { n: draft.files.length }) })),
    make("a", { class: "btn", href: `/tasks/${draft.case}`, text: say("outcome_go_on") }),
    draft.text.trim() ? make("button", { type: "button", class: "btn", on: { click: send } }, icon("send"), say("outcome_send")) : null,
    sure(drop));
}

/** What cannot be undone asks first. */
function sure(act) {
  const box = make("details", { class: "sure" }, make("summary", { class: "btn btn-quiet", text: say("outcome_drop") }));
  box.append(make("button", { type: "button", class: "btn", text: say("outcome_drop_sure"), on: { click: act } }));
  return box;
}
