// A worker: makes one photo smaller beside the page, so that a thumb never waits for it. camera.js checks the result.

import { fitted } from "./fit.js";

// 32 x 16 px of four greys, to be turned upright: black, dark; light, white
const PROBE = "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYW"
  + "GDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wAALCAAQACABAREA/8QAFwABAQEBAAAAAAAAAAAAAAAAAAcFCP/EABQQ"
  + "AQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AyRVhz+KqP//Z";
const PROBE_SIZE = { width: 8, height: 16 };
const DARKER_BY = 40;

/** {photo: Blob, size} → a smaller JPEG as a Blob, or null when this browser cannot be trusted with it. */
onmessage = async ({ data: { photo, size } }) => {
  postMessage(await shrink(photo, size).catch(() => null));
};

async function shrink(photo, size) {
  if (!(await turnsUpright())) return null;
  const picture = await decoded(photo, size);
  const canvas = new OffscreenCanvas(size.width, size.height);
  return fitted(({ width, height }, quality) => {
    Object.assign(canvas, { width, height });
    draw(canvas, picture);
    return canvas.convertToBlob({ type: "image/jpeg", quality });
  }, size);
}

/** Made smaller while it is decoded where the browser can: 48 megapixels are 192 MB. */
const decoded = (photo, { width, height }) => createImageBitmap(photo, {
  imageOrientation: "from-image", resizeWidth: width, resizeHeight: height, resizeQuality: "high",
});

function draw(canvas, picture) {
  const context = canvas.getContext("2d", { alpha: false });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return context;
}

/** Some browsers ignore the orientation, others turn after resizing: only the pixels tell. */
async function turnsUpright() {
  const bytes = Uint8Array.from(atob(PROBE), (letter) => letter.charCodeAt(0));
  const picture = await decoded(new Blob([bytes], { type: "image/jpeg" }), PROBE_SIZE);
  const context = draw(new OffscreenCanvas(picture.width, picture.height), picture);
  const grey = (x, y) => context.getImageData(x, y, 1, 1).data[0];
  const greys = [grey(1, 2), grey(6, 2), grey(1, 13), grey(6, 13)];
  return picture.width === PROBE_SIZE.width && picture.height === PROBE_SIZE.height
    && greys.every((value, at) => at === 0 || value - greys[at - 1] > DARKER_BY);
}
