// Every element with data-due counts down by itself, in the words the server began with (words.countdown).

import { say } from "./words.js";

const DAY_MIN = 1440;

/** Start counting; elements that come later are found at the next second. */
export function startCountdown() {
  tick();
  setInterval(tick, 1000);
}

/** Bring every countdown on the page up to date. */
export function tick(now = Date.now()) {
  for (const element of document.querySelectorAll("[data-due]")) show(element, Date.parse(element.dataset.due) - now);
}

function show(element, left) {
  const text = countdown(Math.floor(left / 1000));
  if (element.textContent !== text) element.textContent = text;
  element.classList.toggle("late", left < 0);
}

/** The text for this many seconds left. */
export function countdown(seconds) {
  if (seconds < 0) return say("due_over", { time: span(Math.floor(-seconds / 60)) });
  if (seconds < 3600) return say("due_soon", { time: `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}` });
  return say("due_left", { time: span(Math.floor(seconds / 60)) });
}

/** Minutes as people say them. */
export function span(minutes) {
  if (minutes < 60) return say("span_m", { m: minutes });
  if (minutes < DAY_MIN) return say("span_hm", { h: Math.floor(minutes / 60), m: minutes % 60 });
  return say("span_dh", { d: Math.floor(minutes / DAY_MIN), h: Math.floor((minutes % DAY_MIN) / 60) });
}

const two = (number) => String(number).padStart(2, "0");
