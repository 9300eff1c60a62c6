// The place part of the form: found by itself, said in words, corrected by choosing a village.

import { byId, make, fill } from "./dom.js";
import { accuracyKey, look } from "./place.js";
import { say } from "./words.js";

const OLD_MIN = 10;

/** Set up the place line for `draft`; a draft that has a fix keeps it, because there the photo was taken. */
export function placeBox(draft, { changed }) {
  let looking = false;
  const show = (why = null) => {
    byId("place-words").textContent = words(draft.fix, looking, why);
    byId("place-again").hidden = looking;
    byId("place-drop").hidden = !draft.fix;
  };
  const search = () => {
    looking = true;
    draft.fix = null;
    show();
    look(
      (fix) => { draft.fix = fix; show(); changed(); },
      (_fix, why) => { looking = false; show(why); },
    );
  };
  byId("place-again").addEventListener("click", search);
  byId("place-drop").addEventListener("click", () => {
    draft.fix = null;
    show("dropped");
    changed();
  });
  byId("village").addEventListener("change", ({ target }) => {
    draft.village_code = target.value;
    changed();
  });
  if (draft.fix) show();
  else search();
}

function words(fix, looking, why) {
  if (!fix) return say(looking ? "place_looking" : `place_${why ?? "none"}`);
  const minutes = Math.floor((Date.now() - fix.timestamp) / 60_000);
  const base = say(accuracyKey(fix.accuracy_m), { n: fix.accuracy_m });
  return minutes >= OLD_MIN ? `${base} ${say("place_old", { n: minutes })}` : base;
}

/** Fill the village picker; `chosen` stays chosen. */
export function offerVillages(villages, chosen) {
  const options = villages.map(({ code, name }) => make("option", { value: code, text: name, selected: code === chosen }));
  fill(byId("village"), make("option", { value: "", text: say("village_none") }), ...options);
  byId("village-field").hidden = villages.length === 0;
}
