// A voice note of at most a minute: record, listen, record again.

const LONGEST_MS = 60_000;
const BITS_PER_SECOND = 24_000; // speech; a minute is 180 KB
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

/** True when this browser can record. */
export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder);

/** Start recording. `onTick(seconds)` each second, `onEnd({data, type} | null)` once. Returns a function that stops it.
 * Throws when the microphone is refused. */
export async function record(onTick, onEnd) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
  const parts = [];
  const started = performance.now();
  const stop = () => { if (recorder.state !== "inactive") recorder.stop(); };
  const ticking = setInterval(() => tick(performance.now() - started, onTick, stop), 250);
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  recorder.addEventListener("stop", async () => {
    clearInterval(ticking);
    stream.getTracks().forEach((track) => track.stop());
    onEnd(await joined(parts, recorder.mimeType));
  });
  addEventListener("pagehide", stop, { once: true });
  recorder.start(1000); // in pieces, so that little is lost when the page goes
  return stop;
}

function tick(elapsed, onTick, stop) {
  onTick(Math.floor(elapsed / 1000));
  if (elapsed >= LONGEST_MS) stop();
}

async function joined(parts, type) {
  const blob = new Blob(parts, { type });
  return blob.size ? { data: await blob.arrayBuffer(), type: type.split(";")[0] } : null;
}
