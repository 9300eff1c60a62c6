// Something new: a sound, a flash and a count in the title, until somebody touches the desk.

import { byId } from "./dom.js";
import { say } from "./words.js";

const REMEMBERED = "desk-sound";
const REPEAT_MS = 30_000;
const MUTED_MS = 120_000; // a touch says that somebody is here, not that somebody was reached
let context = null;
let unseen = 0;
let repeat = null;
let touchedAt = Date.now(); // somebody has just opened the desk
const title = () => document.title.replace(/^\(\d+\) /, "");

/** Show the sound button; browsers need one tap before they let a page make a sound. */
export function startAlarm() {
  const button = byId("sound");
  button.hidden = false;
  button.addEventListener("click", async () => { await listen(); beep(1); });
  if (localStorage.getItem(REMEMBERED) === "on") listen();
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, touched);
}

/** `urgent`: red or unreached; it sounds three times, and again every half minute while nobody comes. */
export function alarm(urgent) {
  unseen += 1;
  document.title = `(${unseen}) ${title()}`;
  document.body.classList.add(urgent ? "flash-urgent" : "flash");
  beep(urgent ? 3 : 1);
  if (urgent && repeat === null) repeat = setInterval(() => beep(2), REPEAT_MS);
}

/** Something waits for a human, maybe since before the desk was opened: it sounds when nobody has touched the desk for a while. */
export function stillUnreached() {
  if (repeat === null && Date.now() - touchedAt > MUTED_MS) alarm(true);
}

function touched() {
  touchedAt = Date.now();
  if (context?.state === "suspended") context.resume().then(label);
  clearInterval(repeat);
  repeat = null;
  if (unseen === 0) return;
  unseen = 0;
  document.title = title();
  document.body.classList.remove("flash", "flash-urgent");
}

async function listen() {
  context ??= new AudioContext();
  context.addEventListener("statechange", label);
  label();
  await context.resume();
  localStorage.setItem(REMEMBERED, "on");
  label();
}

function label() {
  const running = context?.state === "running";
  byId("sound").querySelector("span").textContent = say(running ? "sound_on" : context ? "sound_again" : "sound_off");
  byId("sound").classList.toggle("btn-primary", !running);
}

function beep(times) {
  if (context?.state !== "running") return;
  for (let n = 0; n < times; n += 1) tone(context.currentTime + n * 0.45);
}

function tone(at) {
  const oscillator = new OscillatorNode(context, { frequency: 880 });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.4, at + 0.02);
  gain.gain.setValueAtTime(0.4, at + 0.25);
  gain.gain.linearRampToValueAtTime(0, at + 0.3);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + 0.32);
}
