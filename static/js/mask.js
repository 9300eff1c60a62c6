// 打码: solid boxes over faces and plates, burnt into the bytes on this phone before anything is sent. Loaded with the
// first photo.

import { asStored, decoded, draw, encoded, shaped, showInstead } from "./camera.js";
import { make } from "./dom.js";
import { replaceFile } from "./draft.js";
import { LARGEST_AGAIN, within } from "./fit.js";
import { button, followFinger, openSheet, styled } from "./sheet.js";
import * as store from "./store.js";
import { say } from "./words.js";

const COLOUR = "#333"; // not black: a picture that came out black is found out
const SHADE = 0x33;
const SHADE_OFF = 24; // what JPEG may change of it
const TAPPED = 0.16; // of the shorter side
const LEAST_PX = 24;
const STEP = 0.02;
const GROWTH = 1.15;
const TRIES = 3;
const LEAST = 0.02; // of a side

/** Put a button onto a photo in the strip that opens it for masking. */
export async function offerMask(strip, entry, item) {
  await styled("mask");
  const of = item.firstElementChild;
  const label = say("mask_of", { photo: of.alt ?? of.textContent });
  const open = () => edit(strip, entry, item).catch(() => strip.complain(say("mask_unreadable")));
  item.classList.add("maskable");
  const look = { type: "button", class: "btn mask-open", text: say("mask"), "aria-label": label };
  item.append(make("button", { ...look, on: { click: open } }));
}

/** Throws when this browser cannot draw the photo. */
async function edit(strip, entry, item) {
  await strip.settled(); // two large pictures at once are too much for a cheap phone
  const board = new Board(await decoded(blobOf(await store.get("files", entry.id))));
  const done = await openSheet({
    style: "mask", title: say("mask_title"), body: [board.status, board.stage], yes: "sheet_done",
    tools: [button("mask_undo", "", () => board.undo())],
    act: (isOpen) => board.boxes.length > 0 && burnIn(strip.draft, entry, board.boxes, isOpen),
  });
  if (done) showInstead(item, done);
}

/** The masked bytes take the place of those before, in one transaction. A smaller copy may just have come: then once more
 * from that one. */
async function burnIn(draft, entry, boxes, isOpen) {
  for (let left = TRIES; left > 0 && isOpen(); left -= 1) {
    const { id } = entry;
    const masked = await store.get("files", id).then((file) => burnt(blobOf(file), boxes)).catch(() => {
      throw new Error(say("mask_failed"));
    });
    const replaced = isOpen() && (await replaceFile(draft, entry, masked, id).catch((error) => {
      throw new Error(say(error.message === "already_filed" ? "already_filed" : "save_failed"));
    }));
    if (replaced) return masked;
  }
  if (isOpen()) throw new Error(say("mask_failed"));
  return null;
}

async function burnt(photo, boxes) {
  const picture = await decoded(photo);
  const size = within({ width: picture.naturalWidth, height: picture.naturalHeight });
  const canvas = draw(picture, size.width, size.height);
  cover(canvas, boxes);
  const masked = await encoded(canvas, size, LARGEST_AGAIN);
  covers(await shaped(masked, size), boxes);
  return asStored(masked);
}

function cover(canvas, boxes) {
  const context = canvas.getContext("2d");
  context.fillStyle = COLOUR;
  for (const box of boxes) {
    const [left, top] = [Math.floor(box.x * canvas.width), Math.floor(box.y * canvas.height)];
    const [right, bottom] = [Math.ceil((box.x + box.w) * canvas.width), Math.ceil((box.y + box.h) * canvas.height)];
    context.fillRect(left, top, right - left, bottom - top);
  }
}

/** Throws unless each box is really there in what will be sent. */
function covers(image, boxes) {
  const context = draw(image, image.naturalWidth, image.naturalHeight).getContext("2d");
  for (const { x, y, w, h } of boxes) {
    const [across, down] = [(x + w / 2) * image.naturalWidth, (y + h / 2) * image.naturalHeight].map(Math.floor);
    const [...shades] = context.getImageData(across, down, 1, 1).data.slice(0, 3);
    if (!shades.every((value) => Math.abs(value - SHADE) <= SHADE_OFF)) throw new Error("uncovered");
  }
}

const blobOf = ({ data, type }) => new Blob([data], { type });

/** The picture with its boxes, all in parts of its width and height. */
class Board {
  constructor(picture) {
    this.picture = picture;
    this.boxes = [];
    this.status = make("p", { role: "status" });
    this.canvas = make("canvas", { tabindex: "0", role: "application", "aria-label": say("mask_keys") });
    this.stage = make("div", { class: "stage" }, this.canvas);
    new ResizeObserver(() => this.fit()).observe(this.stage);
    this.canvas.addEventListener("keydown", (event) => this.press(event));
    followFinger(this.canvas, {
      tap: (at) => this.add(this.around(at)),
      drag: (from, to) => this.show(this.between(from, to)),
      drop: (from, to) => this.add(this.between(from, to)),
      abandon: () => this.show(),
    });
    this.show();
  }

  /** As large as the stage allows. */
  fit() {
    const { naturalWidth, naturalHeight } = this.picture;
    if (!this.stage.clientWidth) return; // not on the screen yet
    const scale = Math.min(this.stage.clientWidth / naturalWidth, this.stage.clientHeight / naturalHeight);
    [this.width, this.height] = [naturalWidth * scale, naturalHeight * scale];
    Object.assign(this.canvas, { width: this.width * devicePixelRatio, height: this.height * devicePixelRatio });
    Object.assign(this.canvas.style, { width: `${this.width}px`, height: `${this.height}px` });
    this.show();
  }

  add(box) {
    this.boxes.push(box);
    this.show();
  }

  undo() {
    this.boxes.pop();
    this.show();
  }

  /** A box of a good size around a point. */
  around({ x, y }) {
    const side = Math.max(2 * LEAST_PX, TAPPED * Math.min(this.width, this.height));
    return this.inside({ x: x - side / 2, y: y - side / 2, w: side, h: side });
  }

  between(from, to) {
    const [w, h] = [Math.max(LEAST_PX, Math.abs(to.x - from.x)), Math.max(LEAST_PX, Math.abs(to.y - from.y))];
    return this.inside({ x: Math.min(from.x, to.x), y: Math.min(from.y, to.y), w, h });
  }

  /** From pixels of the screen to parts of the picture. */
  inside({ x, y, w, h }) {
    return clipped({ x: x / this.width, y: y / this.height, w: w / this.width, h: h / this.height });
  }

  press(event) {
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    if (this.boxes.length === 0 || act === KEYS.Enter) this.add(this.around({ x: this.width / 2, y: this.height / 2 }));
    else this.boxes.push(clipped(act(this.boxes.pop())));
    this.show();
  }

  show(drawing = null) {
    const all = drawing ? [...this.boxes, drawing] : this.boxes;
    this.status.textContent = all.length ? say("mask_count", { n: all.length }) : say("mask_hint");
    if (!this.width) return;
    const context = this.canvas.getContext("2d");
    context.drawImage(this.picture, 0, 0, this.canvas.width, this.canvas.height);
    cover(this.canvas, all);
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 2 * devicePixelRatio });
    for (const { x, y, w, h } of all) {
      context.strokeRect(x * this.canvas.width, y * this.canvas.height, w * this.canvas.width, h * this.canvas.height);
    }
  }
}

function clipped({ x, y, w, h }) {
  const [left, top] = [x, y].map((value) => Math.min(Math.max(0, value), 1 - LEAST));
  return { x: left, y: top, w: Math.max(LEAST, Math.min(1, x + w) - left), h: Math.max(LEAST, Math.min(1, y + h) - top) };
}

const moved = (right, down) => (box) => ({
  ...box, x: clamped(box.x + right * STEP, box.w), y: clamped(box.y + down * STEP, box.h),
});

const clamped = (value, span) => Math.min(Math.max(0, value), 1 - span);

const grown = (by) => ({ x, y, w, h }) => ({ x: x - (w * (by - 1)) / 2, y: y - (h * (by - 1)) / 2, w: w * by, h: h * by });

const KEYS = {
  ArrowLeft: moved(-1, 0), ArrowRight: moved(1, 0), ArrowUp: moved(0, -1), ArrowDown: moved(0, 1),
  "+": grown(GROWTH), "=": grown(GROWTH), "-": grown(1 / GROWTH), Enter: grown(1),
};
