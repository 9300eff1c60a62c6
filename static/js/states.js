// What is honestly known about a report, as one word for programs and one sentence for people.

import { say } from "./words.js";

/** The state of a queued report, seen with whether somebody must log in first. */
export function stateOf(report, mustLogIn) {
  if (report.state === "needs-help") return "needs-help";
  return mustLogIn && report.state !== "sending" ? "needs-login" : report.state;
}

/** {state, words} for a report in the queue. */
export function describeQueued(report, mustLogIn) {
  const state = stateOf(report, mustLogIn);
  return { state, words: sentence(state, report) };
}

/** {state, words} for a report the desk has. */
export function describeSent(sent) {
  const state = sent.complete === false ? "text-received" : "complete";
  const words = sent.status_words || say("state_complete");
  return { state, words };
}

function sentence(state, report) {
  if (state === "needs-help") {
    return say(report.receipt ? "state_needs_help_files" : "state_needs_help", { why: reason(report.help) });
  }
  if (state === "needs-login" && report.receipt) return say("state_needs_login_files");
  if (state === "text-received" || (state === "sending" && report.receipt)) return filesSentence(report);
  if (state === "saved") return report.tries ? say("state_waiting") : say("state_saved");
  return say(`state_${state.replace("-", "_")}`);
}

function filesSentence({ receipt }) {
  const count = (part) => receipt.photos[part].length + receipt.voices[part].length;
  return say("state_text_received", { n: count("received"), all: count("received") + count("missing") });
}

function reason(help) {
  return help?.detail || say(help?.why === "file_lost" ? "why_file_lost" : "why_refused");
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
