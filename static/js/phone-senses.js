// 定位, 相机, 麦克风: each tried for real, on for a moment, and nothing of it kept.

import { byId, fill, picture } from "./dom.js";
import { system } from "./phone-device.js";
import { say } from "./words.js";

const LOOK_MS = 15_000;
const GOOD_M = 15;
const ROUGH_M = 200;
const LISTEN_MS = 4_000;
const AUDIBLE = 0.02; // of full scale: a voice at arm's length, not the room

/** One look for the place. */
export const place = { id: "place", look: async () => (await refused("geolocation") ? denied("place") : untested()), test: findPlace };

/** A picture taken now; only its size is looked at. */
export const camera = { id: "camera", look: async () => untested() };

/** Whether a voice is heard. */
export const microphone = { id: "microphone", look: async () => (await refused("microphone") ? denied("microphone") : untested()), test: listen };

const untested = () => ({ state: "unknown", says: [say("untested")] });

const denied = (what) => ({ state: "look", says: [say(`${what}_denied`)], advice: [say(`${what}_denied_${system()}`)] });

const refused = async (name) => (await permission(name)) === "denied";

/** "granted", "denied", "prompt", or null where the browser does not say. */
export async function permission(name) {
  return (await navigator.permissions?.query({ name }).catch(() => null))?.state ?? null;
}

async function findPlace(tell) {
  tell(say("place_looking"));
  const began = performance.now();
  const { metres, why, at } = await bestFix();
  if (why === "denied") return denied("place");
  if (!metres) return { state: "look", says: [say("place_none")], advice: [say(`place_none_${system()}`)] };
  const rough = metres > ROUGH_M;
  const says = [say(rough ? "place_rough" : "place_found", { n: metres, s: Math.max(1, Math.round((at - began) / 1000)) })];
  return { state: rough ? "look" : "fine", says, advice: [rough && say(`place_rough_${system()}`)] };
}

/** {metres, at} of the best fix of one look, or {why}. */
function bestFix() {
  return new Promise((done) => {
    let best = {};
    const end = (found) => {
      clearTimeout(timer);
      navigator.geolocation?.clearWatch(watch);
      done(found);
    };
    const take = ({ coords }) => {
      const metres = Math.round(coords.accuracy);
      if (metres < (best.metres ?? Infinity)) best = { metres: Math.max(1, metres), at: performance.now() };
      if (metres <= GOOD_M) end(best);
    };
    const fail = (error) => { if (error.code === error.PERMISSION_DENIED) end({ why: "denied" }); };
    const timer = setTimeout(() => end(best), navigator.geolocation ? LOOK_MS : 0);
    const watch = navigator.geolocation?.watchPosition(take, fail, { enableHighAccuracy: true, maximumAge: 0 });
  });
}

/** `input` gives a picture: decode it, say how large it is, keep nothing. */
export async function tryCamera(card, input) {
  const [file] = input.files;
  if (!file) return;
  const address = URL.createObjectURL(file);
  const image = picture(address, say("camera_picture"));
  const { naturalWidth: width, naturalHeight: height } = await image.decode().then(() => image, () => ({}));
  input.value = "";
  if (!width) {
    card.show({ state: "look", says: [say("camera_unread")], advice: [say("camera_unread_how")] });
    return;
  }
  fill(byId("camera-picture"), image);
  const size = { width, height, mb: (file.size / 1e6).toFixed(1) };
  card.show({ state: "fine", says: [say("camera_works", size), say("camera_not_kept")] });
}

async function listen(tell) {
  let stream = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    return error.name === "NotAllowedError" ? denied("microphone") : noMicrophone();
  }
  tell(say("microphone_speak"));
  const level = await loudest(stream).finally(() => stream.getTracks().forEach((track) => track.stop()));
  if (level >= AUDIBLE) return { state: "fine", says: [say("microphone_works"), say("microphone_off")] };
  return { state: "look", says: [say("microphone_silent"), say("microphone_off")], advice: [say("microphone_silent_how")] };
}

const noMicrophone = () => ({ state: "look", says: [say("microphone_none")], advice: [say("microphone_none_how")] });

/** The loudest moment, 0 to 1, until a voice is heard or the time is up. */
async function loudest(stream) {
  const context = new AudioContext();
  await context.resume();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const meter = byId("microphone-level");
  meter.hidden = false;
  const level = await follow(analyser, meter);
  meter.hidden = true;
  await context.close();
  return level;
}

function follow(analyser, meter) {
  const wave = new Float32Array(analyser.fftSize);
  const until = performance.now() + LISTEN_MS;
  return new Promise((done) => {
    let most = 0;
    const step = setInterval(() => {
      analyser.getFloatTimeDomainData(wave);
      meter.value = Math.max(...wave.map(Math.abs));
      most = Math.max(most, meter.value);
      if (most < AUDIBLE && performance.now() < until) return;
      clearInterval(step);
      done(most);
    }, 100);
  });
}
