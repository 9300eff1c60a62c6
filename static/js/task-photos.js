// After-photos: each file is sent as soon as it is chosen, and says how it stands. The words go with the form.

import { sha256 } from "./canonical.js";
import { timeoutFor } from "./api.js";
import { make, picture } from "./dom.js";
import { uuid7 } from "./uuid7.js";
import { say } from "./words.js";

const sending = new Map(); // list item -> promise of true when it arrived
const sendable = new WeakMap(); // list item -> what a new try sends

/** Listen for chosen photos anywhere in the page; the task is replaced at every step. */
export function startPhotos() {
  document.addEventListener("change", ({ target }) => {
    if (target.type !== "file" || !target.closest("form")) return;
    const list = target.closest(".field").querySelector("ul");
    for (const file of target.files) add(file, list, target.closest("form").dataset.number);
    target.value = "";
  });
}

/** Wait until every photo has an answer; true when none is left behind. */
export async function photosSent() {
  const outcomes = await Promise.all([...sending].filter(([item]) => item.isConnected).map(([, sent]) => sent));
  return outcomes.every(Boolean);
}

function add(file, list, number) {
  const state = make("span", { class: "grow" });
  const again = make("button", { type: "button", class: "btn", hidden: true, text: say("photo_again") });
  const item = make("li", { class: "row" }, picture(URL.createObjectURL(file), file.name), state, again);
  again.addEventListener("click", () => start(item));
  sendable.set(item, { file, number, id: uuid7(), state, again });
  list.append(item);
  start(item);
}

function start(item) {
  sending.set(item, send(sendable.get(item)));
}

async function send({ file, number, id, state, again }) {
  again.hidden = true;
  state.textContent = say("photo_sending");
  const { good, why } = await put(file, number, id);
  again.hidden = good;
  state.textContent = good ? `✓ ${say("photo_sent")}` : why ? say("photo_refused", { why }) : say("photo_failed");
  return good;
}

async function put(file, number, id) {
  try {
    const body = await file.arrayBuffer();
    const headers = {
      "X-Content-SHA256": await sha256(body), "X-Requested-With": "fieldapp", "Content-Type": file.type || "image/jpeg",
    };
    const signal = AbortSignal.timeout(timeoutFor(body));
    const response = await fetch(`/api/cases/${number}/photos/${id}`, {
      method: "PUT", headers, body, signal, redirect: "error",
    });
    const answer = await response.json();
    return { good: response.ok && answer.id === id, why: response.ok ? null : answer.detail };
  } catch {
    return { good: false, why: null }; // no network, or the file went away; the same id makes a new try harmless
  }
}
