// A photo made small enough for a bad line, and never worse than the original. Loaded with the first photo.

import { replaceFile, saveNow } from "./draft.js";
import * as store from "./store.js";

const SMALLER_MS = 20_000;
const LONGEST = 2048;
const QUALITY = 0.82;
const SAMPLE = 16;
const NEARLY_BLACK = 6; // of 255, in every sampled pixel

/** Put a smaller copy in the place of a draft's photo; the original stays when anything fails. */
export async function lighten(draft, entry) {
  entry.tries -= 1;
  await saveNow(draft); // counted on disk before the try, which may be what ends this page
  const small = await smaller(await store.get("files", entry.id));
  if (small) await replaceFile(draft, entry, small);
}

/** A smaller copy of {data, type}, or null when none is to be had in time. */
export function smaller(whole) {
  const late = new Promise((done) => { setTimeout(done, SMALLER_MS, null); });
  return Promise.race([shrink(whole), late]).catch(() => null);
}

/** A smaller JPEG, upright, or null when that gains nothing. Throws when it cannot be decoded. */
async function shrink({ data, type }) {
  const image = await decoded(new Blob([data], { type }));
  const scale = Math.min(1, LONGEST / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = draw(image, Math.round(image.naturalWidth * scale), Math.round(image.naturalHeight * scale));
  if (looksBlack(canvas)) return null; // iOS past its canvas limit; a dark night keeps its original
  const result = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", QUALITY); });
  if (!result?.size || result.size >= data.byteLength) return null;
  const again = await decoded(result);
  if (again.naturalWidth !== canvas.width || again.naturalHeight !== canvas.height) return null;
  return { data: await result.arrayBuffer(), type: "image/jpeg" };
}

/** Through an <img>, which turns a picture upright in every browser; createImageBitmap does so only in new ones. */
async function decoded(blob) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  try {
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

function draw(source, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: width <= SAMPLE });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return canvas;
}

function looksBlack(canvas) {
  const { data } = draw(canvas, SAMPLE, SAMPLE).getContext("2d").getImageData(0, 0, SAMPLE, SAMPLE);
  return data.every((value, at) => at % 4 === 3 || value <= NEARLY_BLACK);
}
