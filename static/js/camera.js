// From a picked file to bytes worth sending: small enough for a bad line, and never worse than the original.

const LONGEST = 2048;
const QUALITY = 0.82;
const SAMPLE = 16;
const NEARLY_BLACK = 6; // of 255, in every sampled pixel

/** {data: ArrayBuffer, type} for a picked photo: made smaller when that works, else the original bytes.
 * Throws "empty" for a file without content and "unreadable" when the handle went stale. */
export async function readPhoto(file) {
  const original = await file.arrayBuffer().catch(() => { throw new Error("unreadable"); }); // at once: handles go stale
  if (original.byteLength === 0) throw new Error("empty");
  const whole = { data: original, type: file.type || "application/octet-stream" };
  const small = await shrink(new Blob([original], { type: file.type })).catch(() => null);
  return small && small.data.byteLength < original.byteLength ? small : whole;
}

async function shrink(blob) {
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  try {
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const canvas = draw(bitmap, Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
    if (looksBlack(canvas)) return null; // iOS gives black pictures past its canvas limit; a dark night keeps its original
    const result = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    return (await decodes(result, canvas)) ? { data: await result.arrayBuffer(), type: "image/jpeg" } : null;
  } finally {
    bitmap.close();
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

async function decodes(blob, { width, height }) {
  if (!blob || blob.size === 0) return false;
  const again = await createImageBitmap(blob);
  const same = again.width === width && again.height === height;
  again.close();
  return same;
}
