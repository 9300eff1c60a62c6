// A picked photo into a draft: what was taken is on disk before anything else is tried.

import { addFile, filesIn } from "./draft.js";
import { say } from "./words.js";

const TRIES = 2; // who dies of it does not die of it for ever
const LARGEST_TAKEN = 3; // times what may be sent: it gets smaller

/** What holds until the server has said otherwise. */
export const LIMITS = { max_photos: 9, max_photo_bytes: 30 * 1024 * 1024 };

/** Store a picked file as it is and return its entry. Throws with the key of a sentence as the message. */
export async function takePhoto(draft, file, limits = LIMITS) {
  if (filesIn(draft, "photo").length >= limits.max_photos) throw new Error("photo_too_many");
  if (file.type && !file.type.startsWith("image/")) throw new Error("photo_not_one");
  if (file.size > LARGEST_TAKEN * limits.max_photo_bytes) throw new Error("photo_too_large");
  const data = await file.arrayBuffer().catch(() => null); // at once: handles go stale
  if (!data?.byteLength) throw new Error("photo_failed");
  const whole = { data, type: file.type || "application/octet-stream" };
  return addFile(draft, "photo", whole, TRIES).catch((error) => addSmall(draft, whole, error));
}

/** A full phone may still have room for a small copy. */
async function addSmall(draft, whole, error) {
  if (error.name !== "QuotaExceededError") throw error;
  const small = await import("./camera.js").then(({ smaller }) => smaller(whole)).catch(() => null);
  if (!small) throw error;
  return addFile(draft, "photo", small);
}

/** The sentence for an error; `otherwise` is the key when nothing more is known. */
export function whyNot(error, otherwise, values = {}) {
  if (error.name === "QuotaExceededError") return say("storage_full");
  return say(/^(photo_|already_filed)/.test(error.message) ? error.message : otherwise, values);
}
