// How much room this phone has left for reports, said before it hurts. Loaded where it runs short.

import { byId, tell } from "./dom.js";
import { say } from "./words.js";

const PHOTO_BYTES = 350_000; // as the phone keeps one
const LOW_BYTES = 50_000_000;
const LAST_BYTES = 5_000_000;
const MOST_USED = 0.85;
const STEP = 2 ** 30; // Chrome since 138 always says so many whole GiB more than is used: that is no answer

export const photosIn = (bytes) => Math.floor(bytes / PHOTO_BYTES);

/** {photos, low, last}: how many more fit, whether that is little or next to nothing; null where nobody says. */
export async function room() {
  const { usage, quota } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
  const free = Math.max(0, quota - usage);
  if (!Number.isFinite(free) || (free && free % STEP === 0)) return null;
  const low = free < LOW_BYTES || usage > quota * MOST_USED;
  return { photos: photosIn(free), low, last: free < LAST_BYTES };
}

/** The notice on a page; it stands in nobody's way. */
export async function warn() {
  const found = await room();
  const words = found?.low ? say(found.last ? "space_last" : "space_low", { n: found.photos }) : "";
  byId("space").classList.toggle("notice-bad", Boolean(found?.last));
  tell(byId("space"), words);
}
