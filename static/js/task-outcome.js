// The form of 处置反馈: words and photos are on disk from the first letter on, and there again after the page was killed.

import { hold, isEmpty, newDraft, saver } from "./draft.js";
import { PhotoStrip } from "./photos.js";
import * as store from "./store.js";
import { LIMITS, whyNot } from "./take.js";

/** Bring `form` to life for `draft`: {draft, keep(), settled(), close()}. */
export async function outcomeForm(form, draft, complain) {
  const stored = await store.filesOf(draft.id);
  draft.files = draft.files.filter(({ id }) => stored.some((file) => file.id === id));
  const auto = saver(draft, (error) => complain(whyNot(error, "save_failed")));
  const words = form.querySelector("textarea");
  if (!draft.text.includes(words.value)) draft.text = [draft.text, words.value].filter(Boolean).join("\n");
  words.value = draft.text;
  words.addEventListener("input", () => {
    draft.text = words.value;
    auto.soon();
  });
  addEventListener("pagehide", () => auto.now());
  const strip = new PhotoStrip(draft, stored, { limits: () => LIMITS, complain, changed: () => auto.soon() });
  return { draft, keep: () => auto.now(), settled: () => strip.settled(), close: () => auto.close() };
}

/** What was begun about case `number`, unless another tab has it open. It is this page's from then on. */
export async function outcomeDraft(number, me) {
  const isIt = (draft) => draft.case === number && draft.owner === me.id && !isEmpty(draft);
  for (const found of (await store.all("drafts")).filter(isIt)) if (await hold(found.id)) return found;
  const fresh = { ...newDraft(me.id), case: number };
  await hold(fresh.id);
  return fresh;
}
