// A photo made small enough for a bad line, and never worse than the original. Loaded with the first photo.

import { addressOf, picture } from "./dom.js";
import { replaceFile, saveNow } from "./draft.js";
import { fitted, within } from "./fit.js";
import * as store from "./store.js";

const SMALLER_MS = 24_000;
const WORKER_MS = 12_000;
const LEAST_SCALE = 0.49; // fit.js may halve it
const SAMPLE = 16;
const NEARLY_BLACK = 6; // of 255, in every sampled pixel

/** Put a smaller copy in the place of a draft's photo, on disk and in its `item` of the strip; the original stays when
 * anything fails. */
export async function lighten(draft, entry, item) {
  entry.tries -= 1;
  await saveNow(draft); // counted on disk before the try, which may be what ends this page
  const { id } = entry;
  const small = await smaller(await store.get("files", id));
  if (small && (await replaceFile(draft, entry, small, id))) showInstead(item, small);
}

/** Show other bytes in a place of the strip, and let go of those before. */
export function showInstead(item, file) {
  const before = item.firstElementChild;
  before.replaceWith(picture(addressOf(file), before.alt ?? before.textContent));
  URL.revokeObjectURL(before.src);
}

/** A smaller copy of {data, type}, or null when none is to be had in time. */
export const smaller = (whole) => inTime(SMALLER_MS, shrink(whole)).catch(() => null);

/** A smaller JPEG, upright, or null when that gains nothing. Throws when it cannot be decoded. */
async function shrink({ data, type }) {
  const photo = new Blob([data], { type });
  const size = within(await sizeOf(photo));
  for (const way of [beside, onThePage]) {
    const small = await way(photo, size).then((result) => checked(result, size)).catch(() => null);
    if (small) return small.size < data.byteLength ? asStored(small) : null;
  }
  return null;
}

/** What is stored of a picture; never a Blob. */
export const asStored = async (blob) => ({ data: await blob.arrayBuffer(), type: "image/jpeg" });

/** In a worker of its own, which takes all its memory with it when it ends. */
async function beside(photo, size) {
  const worker = new Worker(new URL("./shrink.js", import.meta.url), { type: "module" });
  try {
    return await inTime(WORKER_MS, new Promise((done, fail) => {
      worker.onmessage = ({ data }) => done(data);
      worker.onerror = fail;
      worker.postMessage({ photo, size });
    }));
  } finally {
    worker.terminate();
  }
}

async function onThePage(photo, size) {
  return encoded(await decoded(photo), size);
}

/** A picture as a JPEG that is small enough. */
export const encoded = (picture, size, largest) => fitted(({ width, height }, quality) => {
  const canvas = draw(picture, width, height);
  return new Promise((done) => { canvas.toBlob(done, "image/jpeg", quality); });
}, size, largest);

/** `blob` when a picture of this shape is in it and shows something; else it throws. A dark night keeps its original. */
async function checked(blob, size) {
  if (looksBlack(await shaped(blob, size))) throw new Error("black"); // iOS past its canvas limit
  return blob;
}

/** The picture in it, of the shape of `size` and not much smaller; else it throws. */
export async function shaped(blob, { width, height }) {
  const image = await decoded(blob);
  const { naturalWidth, naturalHeight } = image;
  const isFit = naturalWidth <= width && naturalWidth >= width * LEAST_SCALE;
  const sameShape = Math.abs(naturalWidth * height - naturalHeight * width) <= 2 * Math.max(width, height);
  if (!isFit || !sameShape) throw new Error("shape");
  return image;
}

/** How large a picture is as it is looked at: its header tells, and an <img> reads it in every browser. */
async function sizeOf(blob) {
  const { naturalWidth: width, naturalHeight: height } = await loaded(blob);
  return { width, height };
}

/** Through an <img>, which turns a picture upright in every browser; createImageBitmap does so only in new ones. */
export const decoded = (blob) => loaded(blob, (image) => image.decode());

async function loaded(blob, ready = whenLoaded) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  try {
    await ready(image);
    return image;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

const whenLoaded = (image) => new Promise((done, fail) => Object.assign(image, { onload: done, onerror: fail }));

export function draw(source, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: width <= SAMPLE });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return canvas;
}

function looksBlack(image) {
  const { data } = draw(image, SAMPLE, SAMPLE).getContext("2d").getImageData(0, 0, SAMPLE, SAMPLE);
  return data.every((value, at) => at % 4 === 3 || value <= NEARLY_BLACK);
}

function inTime(span, work) {
  const late = new Promise((_, fail) => { setTimeout(fail, span, new Error("late")); });
  return Promise.race([work, late]);
}
