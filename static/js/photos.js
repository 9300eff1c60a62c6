// The photo strip of a report: camera, gallery, small pictures with a way to remove each.

import { readPhoto } from "./camera.js";
import { byId, fill, icon, make } from "./dom.js";
import { addFile, removeFile, saveNow } from "./draft.js";
import { say } from "./words.js";

/** Set up the strip for `draft`. `limits()` gives {max_photos, max_photo_bytes}; `say_(text)` shows a sentence.
 * Returns {settled()}: resolves when no photo is being worked on. */
export function photoStrip(draft, stored, { limits, complain, changed }) {
  const pictures = new Map(stored.filter((file) => file.kind === "photo").map((file) => [file.id, preview(file)]));
  let work = Promise.resolve();
  let pending = 0;

  const draw = () => {
    const shown = draft.files.filter((file) => file.kind === "photo");
    fill(byId("photos"), ...shown.map(({ id }, at) => thumb(pictures.get(id), at + 1, () => drop(id))),
      ...Array.from({ length: pending }, waiting));
    changed();
  };
  const drop = async (id) => {
    await removeFile(draft, id);
    URL.revokeObjectURL(pictures.get(id));
    draw();
  };
  const take = async (file) => {
    try {
      const photo = await readPhoto(file);
      if (photo.data.byteLength > limits().max_photo_bytes) return complain(say("photo_too_large"));
      const added = await addFile(draft, "photo", photo);
      pictures.set(added.id, preview(added));
    } catch (error) {
      complain(say(error.name === "QuotaExceededError" ? "storage_full" : "photo_failed"));
    } finally {
      pending -= 1;
      draw();
    }
  };
  const pick = (event) => {
    const room = limits().max_photos - draft.files.filter((file) => file.kind === "photo").length - pending;
    const files = [...event.target.files];
    event.target.value = "";
    if (files.length > room) complain(say("photo_too_many", { n: limits().max_photos }));
    const taken = files.slice(0, Math.max(0, room));
    pending += taken.length;
    draw();
    for (const file of taken) work = work.then(() => take(file)); // one after another: cheap phones have little memory
  };
  for (const id of ["camera", "gallery"]) {
    byId(id).addEventListener("click", () => { saveNow(draft).catch(() => {}); });
    byId(id).addEventListener("change", pick);
  }
  draw();
  return { settled: () => work };
}

const preview = ({ data, type }) => URL.createObjectURL(new Blob([data], { type }));

function thumb(address, number, drop) {
  const words = say("photo_number", { n: number });
  const image = make("img", { src: address, alt: words, on: { error: (event) => event.target.replaceWith(unseen(words)) } });
  return make("li", {}, image,
    make("button", { type: "button", class: "btn drop", "aria-label": say("photo_remove", { n: number }), on: { click: drop } },
      icon("close")));
}

/** A photo this browser cannot draw (HEIC); it is kept and sent all the same. */
const unseen = (words) => make("span", { class: "unseen" }, icon("image"), words);

const waiting = () => make("li", {}, make("span", { class: "unseen", text: say("photo_working") }));
