// What is honestly known about a report, as one word for programs and one sentence for people.

import { say } from "./words.js";

const REASONS = ["file_lost", "file_damaged", "too_large"]; // what this phone or the way found; the server says its own

/** {state, words} for a report in the queue, seen with whether somebody must log in first. */
export function describeQueued(report, mustLogIn) {
  const resting = report.state === "saved" || report.state === "text-received";
  const state = mustLogIn && resting ? "needs-login" : report.state;
  return { state, words: sentence(state, report) };
}

/** {state, words} for a report that is not in the queue here: what the desk said of it, or that nothing is known. */
export function describeSent(sent) {
  if (!sent?.id) return { state: "lost", words: say("state_lost") };
  const words = sent.status_words || say("state_complete");
  if (sent.status === "declined") return { state: "declined", words };
  if (sent.complete || sent.open === false) return { state: "complete", words };
  const early = !sent.status || sent.status === "new";
  return { state: "files-missing", words: early ? say("state_files_missing") : say("state_with_gap", { status: words }) };
}

function sentence(state, report) {
  const files = report.receipt ? "_files" : "";
  if (state === "needs-help") return say(`state_needs_help${files}`, { why: reason(report.help) });
  if (state === "needs-login") return say(`state_needs_login${files}`);
  if (files) return filesSentence(report);
  if (state === "saved" && report.tries) return say("state_waiting");
  return say(`state_${state}`);
}

function filesSentence({ receipt }) {
  const count = (part) => receipt.photos[part].length + receipt.voices[part].length;
  return say("state_text_received", { n: count("received"), all: count("received") + count("missing") });
}

function reason({ why, detail }) {
  return detail || say(REASONS.includes(why) ? `why_${why}` : "why_refused");
}

/** A report's name when it has no words of its own. */
export function titleOf({ title, body }) {
  if (title) return title;
  if (body?.text) return body.text.slice(0, 40);
  return say(body?.photos?.length ? "title_photo" : body?.voices?.length ? "title_voice" : "title_report");
}

/** "3 分钟前", "昨天 21:40", "11月2日": short, in the reader's language. */
export function when(instant) {
  const date = new Date(instant);
  const minutes = Math.floor((Date.now() - date) / 60_000);
  if (minutes < 1) return say("time_now");
  if (minutes < 60) return say("time_minutes", { n: minutes });
  const language = document.documentElement.lang;
  const today = date.toDateString() === new Date().toDateString();
  const day = today ? {} : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(language, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(date);
}
