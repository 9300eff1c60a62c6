// One position for one report: the best fix of a short look, never an old one, never followed afterwards.

const LOOK_MS = 15_000;
const GOOD_ENOUGH_M = 15;
const OLDEST_MS = 120_000;

/** Look for a position. `onFix(fix)` for each better one, `onEnd(fix | null, why)` once; why is "denied", "none" or null.
 * Returns a function that stops looking. */
export function look(onFix, onEnd) {
  if (!navigator.geolocation) {
    onEnd(null, "none");
    return () => {};
  }
  let best = null;
  let over = false;
  const finish = (why) => {
    if (over) return;
    over = true;
    navigator.geolocation.clearWatch(watch);
    clearTimeout(timer);
    onEnd(best, best ? null : why);
  };
  const take = (found) => {
    const fix = usable(found);
    if (over || !fix || (best && fix.accuracy_m >= best.accuracy_m)) return;
    best = fix;
    onFix(best);
    if (best.accuracy_m <= GOOD_ENOUGH_M) finish(null);
  };
  const fail = (error) => { if (error.code === error.PERMISSION_DENIED) finish("denied"); };
  const timer = setTimeout(() => finish("none"), LOOK_MS);
  const watch = navigator.geolocation.watchPosition(take, fail, { enableHighAccuracy: true, maximumAge: 0 });
  return () => finish("none");
}

function usable({ coords, timestamp }) {
  const age = Date.now() - timestamp;
  const { latitude, longitude, accuracy } = coords;
  if (Math.abs(age) > OLDEST_MS || ![latitude, longitude, accuracy].every(Number.isFinite)) return null;
  return { lat: latitude, lon: longitude, accuracy_m: Math.round(accuracy), timestamp };
}

/** The fix as the server wants it, with its age at this moment; null when it has become too old to mean this place. */
export function asPosition(fix, now = Date.now()) {
  if (!fix) return null;
  const { lat, lon, accuracy_m, timestamp } = fix;
  return { lat, lon, accuracy_m, age_s: Math.max(0, Math.round((now - timestamp) / 1000)), source: "gps" };
}

/** Which sentence describes an accuracy in metres. */
export function accuracyKey(metres) {
  if (metres <= 30) return "place_exact";
  return metres <= 200 ? "place_near" : "place_rough";
}
