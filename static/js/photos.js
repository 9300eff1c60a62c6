// The photo strip of a report: camera, gallery, small pictures with a way to remove each.

import { addressOf, byId, fill, icon, make, picture } from "./dom.js";
import { filesIn, removeFile, saveNow } from "./draft.js";
import * as store from "./store.js";
import { takePhoto, whyNot } from "./take.js";
import { say } from "./words.js";

const HUGE = 8_000_000; // bytes: such a picture is only drawn once it is smaller, or cheap phones die of it
const SEND_WAITS_MS = 8_000; // for smaller copies; an original is as good, only slower to send

/** The strip of `draft`. `limits()` gives {max_photos, max_photo_bytes}, `complain(text)` shows a sentence. */
export class PhotoStrip {
  constructor(draft, stored, tools) {
    Object.assign(this, { draft, ...tools });
    this.items = new Map(); // an entry of the draft -> its place in the strip
    this.pending = 0;
    this.storing = Promise.resolve();
    this.shrinking = Promise.resolve();
    for (const entry of filesIn(draft, "photo")) this.show(entry, stored.find(({ id }) => id === entry.id));
    for (const input of [byId("camera"), byId("gallery")]) this.listen(input);
  }

  /** Resolves when all photos are on disk, made smaller as far as that goes quickly. */
  async settled() {
    await this.storing;
    await Promise.race([this.shrinking, new Promise((done) => { setTimeout(done, SEND_WAITS_MS); })]);
  }

  listen(input) {
    input.addEventListener("click", () => { saveNow(this.draft).catch(() => {}); });
    input.addEventListener("change", () => this.pick(input));
    this.pick(input); // what was chosen before this script came
  }

  pick(input) {
    const files = [...input.files];
    input.value = "";
    this.pending += files.length;
    this.draw();
    for (const file of files) this.storing = this.storing.then(() => this.take(file));
  }

  async take(file) {
    try {
      const entry = await takePhoto(this.draft, file, this.limits());
      this.show(entry, await store.get("files", entry.id));
    } catch (error) {
      this.failed(error);
    }
    this.pending -= 1;
    this.draw();
  }

  show(entry, file) {
    const place = item(file, this.items.size + 1, () => this.drop(entry));
    this.items.set(entry, place);
    import("./mask.js").then(({ offerMask }) => offerMask(this, entry, place)).catch(() => {});
    this.shrinking = this.shrinking.then(() => this.lighten(entry)).catch(() => {}); // cheap phones: one at a time
  }

  /** Smaller, when that code can be had and it works; an original that no server would take cannot stay. */
  async lighten(entry) {
    const smaller = async () => (await import("./camera.js")).lighten(this.draft, entry, this.items.get(entry));
    if (entry.tries > 0) await smaller().catch(() => {});
    if (entry.bytes <= this.limits().max_photo_bytes || !this.draft.files.includes(entry)) return;
    this.complain(say("photo_too_large"));
    await this.drop(entry);
  }

  async drop(entry) {
    await removeFile(this.draft, entry).catch((error) => this.failed(error));
    this.draw();
  }

  failed(error) {
    this.complain(whyNot(error, "photo_failed", { n: this.limits().max_photos }));
  }

  draw() {
    const shown = filesIn(this.draft, "photo").map((entry) => this.items.get(entry));
    fill(byId("photos"), ...shown, ...Array.from({ length: this.pending }, waiting));
    this.changed();
  }
}

function item(file, number, drop) {
  const image = picture(file.bytes > HUGE ? "" : addressOf(file), say("photo_number", { n: number }));
  const label = say("photo_remove", { n: number });
  return make("li", {}, image,
    make("button", { type: "button", class: "btn drop", "aria-label": label, on: { click: drop } }, icon("close")));
}

const waiting = () => make("li", {}, make("span", { class: "unseen", text: say("photo_working") }));
