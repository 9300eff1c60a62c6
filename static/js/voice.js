// The microphone, for at most a minute at a time, and never on for longer than it is asked for. Loaded when needed.

const LONGEST_MS = 60_000;
const PIECE_MS = 1_000;
const PIECES_KEPT_AT_ONCE = 5;
const ENDING_MS = 3_000;
const BITS_PER_SECOND = 24_000; // speech; a minute is 180 KB
// WebM first: what Chromium calls audio/mp4 is Opus too, and the desk hears its own copy of every kind
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

/** Record until the promise `stopped` resolves. `onTick(seconds)` while it runs; `keep({data, type})` gets all that was
 * said so far every few seconds, and once more at the end. Resolves when the microphone is off and the last was kept;
 * rejects when there is no microphone to be had. */
export async function record(stopped, onTick, keep) {
  const asked = navigator.mediaDevices.getUserMedia({ audio: true });
  const stream = await Promise.race([asked, stopped]);
  if (!stream) return void asked.then(turnOff, () => {}); // stopped first: a late yes turns nothing on
  try {
    return await listen(stream, stopped, onTick, keep);
  } finally {
    turnOff(stream);
  }
}

const turnOff = (stream) => stream.getTracks().forEach((track) => track.stop());

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

async function listen(stream, stopped, onTick, keep) {
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
  const over = next(recorder, "stop", "error");
  const keepAll = keepingAll(recorder, keep);
  recorder.start(PIECE_MS);
  const started = performance.now();
  const ticking = setInterval(() => onTick(Math.floor((performance.now() - started) / 1000)), 250);
  const away = Promise.race([next(document, "visibilitychange"), next(window, "pagehide")]);
  await Promise.race([stopped, over, away, pause(LONGEST_MS)]);
  clearInterval(ticking);
  if (recorder.state !== "inactive") recorder.stop();
  await Promise.race([over, pause(ENDING_MS)]);
  await keepAll();
}

/** Collects the pieces and keeps them all now and then: a killed page loses seconds. Returns what keeps the rest. */
function keepingAll(recorder, keep) {
  const pieces = [];
  let keeping = Promise.resolve();
  const keepAll = async () => {
    const blob = new Blob(pieces, { type: recorder.mimeType });
    if (blob.size) await keep({ data: await blob.arrayBuffer(), type: blob.type.split(";")[0] });
  };
  recorder.addEventListener("dataavailable", ({ data }) => {
    pieces.push(data);
    if (pieces.length % PIECES_KEPT_AT_ONCE) return;
    keeping = keeping.then(keepAll).catch(() => {}); // the last one tells
  });
  return () => keeping.then(keepAll);
}

const next = (target, ...types) => new Promise((done) => {
  for (const type of types) target.addEventListener(type, done, { once: true });
});
