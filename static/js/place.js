// The place of a report: found by itself and said in words. What a person says about it is final.
//
// One position for one report: the best fix of a short look, never followed afterwards.

import { byId, make, fill } from "./dom.js";
import { say } from "./words.js";

const LOOK_MS = 15_000;
const GOOD_ENOUGH_M = 15;
const OLDER_MS = 120_000;
const OLD_MIN = 10;

/** Set up the place line for `draft`; a fix it has stays: there the photo was taken. Returns what draws it again. */
export function placeBox(draft, { changed }) {
  let stop = null; // ends the search under way
  let why = "dropped"; // no fix
  const show = () => {
    const state = stop ? "looking" : draft.settled && draft.village_code ? "village" : why;
    byId("place-words").textContent = words(draft.fix, state);
    byId("place-again").hidden = Boolean(stop);
    byId("place-drop").hidden = !draft.fix && !stop;
  };
  const search = () => {
    Object.assign(draft, { fix: null, settled: false });
    stop = look(
      (fix) => { draft.fix = fix; show(); changed(); },
      (end) => { stop = null; why = end; show(); },
    );
    show();
  };
  const settle = (choice) => {
    stop?.();
    stop = null;
    why = "dropped";
    Object.assign(draft, choice, { settled: true });
    show();
    changed();
  };
  byId("place-again").addEventListener("click", search);
  byId("place-drop").addEventListener("click", () => settle({ fix: null }));
  byId("place-pin").hidden = false;
  byId("place-pin").addEventListener("click", () => import("./pin.js")
    .then(async ({ openPin }) => {
      const fix = await openPin(draft);
      if (fix) settle({ fix });
    })
    .catch(() => { byId("place-words").textContent = say("answer_failed"); }));
  byId("village").addEventListener("change", ({ target }) => settle({ village_code: target.value }));
  if (draft.fix || draft.settled) show();
  else search();
  return show;
}

/** Fill the village picker; `chosen` stays chosen. */
export function offerVillages(villages, chosen) {
  const options = villages.map(({ code, name: text }) => make("option", { value: code, text, selected: code === chosen }));
  fill(byId("village"), make("option", { value: "", text: say("village_none") }), ...options);
  byId("village-field").hidden = villages.length === 0;
}

/** A fix as the server wants it, with its age at this moment. */
export function asPosition(fix) {
  if (!fix) return null;
  const { lat, lon, accuracy_m, timestamp, source = "gps" } = fix;
  return { lat, lon, accuracy_m, age_s: Math.max(0, Math.round((Date.now() - timestamp) / 1000)), source };
}

/** `onFix(fix)` for each better fix, then `onEnd(why)` once: "denied" or "none". Returns what ends it silently. */
function look(onFix, onEnd) {
  let best = null;
  const stop = () => {
    navigator.geolocation?.clearWatch(watch);
    clearTimeout(timer);
  };
  const finish = (why) => {
    stop();
    onEnd(why);
  };
  const take = (found) => {
    const fix = read(found);
    if (!fix || !isBetter(fix, best)) return;
    best = fix;
    onFix(best);
    if (best.accuracy_m <= GOOD_ENOUGH_M) finish();
  };
  const fail = (error) => { if (error.code === error.PERMISSION_DENIED) finish("denied"); };
  const timer = setTimeout(() => finish("none"), navigator.geolocation ? LOOK_MS : 0);
  const watch = navigator.geolocation?.watchPosition(take, fail, { enableHighAccuracy: true, maximumAge: 0 });
  return stop;
}

/** Its moment is when it came: the satellites' time and this phone's clock may be a day apart. */
function read({ coords, timestamp }) {
  const { latitude, longitude, accuracy } = coords;
  if (![latitude, longitude, accuracy].every(Number.isFinite)) return null;
  return { lat: latitude, lon: longitude, accuracy_m: Math.round(accuracy), timestamp: Date.now(), stamp: timestamp };
}

/** More exact; or, by their own stamps, the one before was a remembered one. */
function isBetter(fix, best) {
  return !best || fix.accuracy_m < best.accuracy_m || fix.stamp - best.stamp > OLDER_MS;
}

function words(fix, why) {
  if (!fix) return say(`place_${why}`);
  if (fix.source) return say("place_pin", { n: fix.accuracy_m });
  const minutes = Math.floor((Date.now() - fix.timestamp) / 60_000);
  const base = say(accuracyKey(fix.accuracy_m), { n: fix.accuracy_m });
  return minutes >= OLD_MIN ? `${base} ${say("place_old", { n: minutes })}` : base;
}

function accuracyKey(metres) {
  if (metres <= 30) return "place_exact";
  return metres <= 200 ? "place_near" : "place_rough";
}
