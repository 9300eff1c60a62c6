// The one big button: what it does is on this phone first, and goes to the centre as soon as there is a way.

import * as account from "./account.js";
import { byId, fill, make } from "./dom.js";
import { isEmpty } from "./draft.js";
import { dismiss, fileStep, stepsOf } from "./fieldwork.js";
import { helpFor } from "./list.js";
import { drain } from "./outbox.js";
import { askForSync } from "./pwa.js";
import { describeQueued } from "./states.js";
import { stateLine } from "./stateline.js";
import * as store from "./store.js";
import { whyNot } from "./take.js";
import { outcomeDraft, outcomeForm } from "./task-outcome.js";
import { say } from "./words.js";

const QUIET_MS = 1_200;
const NEXT = { acknowledge: "depart", depart: "arrive", arrive: "report_outcome", report_outcome: "" };

/** The steps of the case on this page. `complain(text)` shows a sentence, `refresh()` asks for the case anew. */
export class Steps {
  constructor(number, tools) {
    Object.assign(this, { number, ...tools });
    this.draft = null; // what is written into the form of 处置反馈, however often that is drawn anew
    this.outcome = null; // that form, once it is alive
    this.enlivening = Promise.resolve();
    this.told = null; // received steps that this page shows already
    this.native = null; // the form that goes the old way: this browser stores nothing
    this.quietUntil = 0; // a second tap of the same hand must not take the next step
    document.addEventListener("submit", (event) => this.submitted(event), { capture: true });
  }

  get busy() {
    return this.draft !== null && !isEmpty(this.draft);
  }

  /** Draw what waits, and the step that comes after it. */
  async show() {
    const [me, mustLogIn] = await Promise.all([account.known(), account.mustLogIn()]);
    const mine = stepsOf(await store.all("steps"), me, this.number);
    const late = (step) => step.state === "received" && step.receipt.result === "late";
    fill(byId("queue"), ...mine.filter((step) => step.state !== "received" || late(step)).map((step) => line(step, mustLogIn)));
    this.advance(mine.filter(({ state }) => !["received", "needs-help"].includes(state)).at(-1));
    await this.enliven(me);
    this.rest();
    await this.follow(mine.filter(({ state }) => state === "received"));
  }

  /** Something new has been received: the page shows the case as it is now. */
  async follow(received) {
    const fresh = received.filter(({ id }) => !this.told?.has(id));
    const first = this.told === null;
    this.told = new Set(received.map(({ id }) => id));
    if (!fresh.length || first) return;
    await this.outcome?.keep();
    await this.refresh();
  }

  /** What a waiting step leads to is offered at once; the centre's own page says the same when it has heard of it. */
  advance(last) {
    const place = byId("step");
    if (!last || !place || place.dataset.step === NEXT[last.action]) return;
    const template = document.querySelector(`template[data-step="${NEXT[last.action]}"]`);
    if (!template && NEXT[last.action]) return;
    place.dataset.step = NEXT[last.action];
    if (template) for (const other of document.querySelectorAll("details.other.outcome")) other.remove();
    fill(place, template?.content.cloneNode(true) ?? make("p", { class: "notice", text: say("steps_done") }));
  }

  /** For a moment after a step the next one, which stands in the same place, cannot be pressed. */
  rest() {
    const left = this.quietUntil - performance.now();
    for (const button of document.querySelectorAll("#step .the-step")) button.disabled = left > 0;
    if (left > 0) setTimeout(() => this.rest(), left);
  }

  enliven(me) {
    const form = document.querySelector('form[data-action="report_outcome"]');
    if (!form || !me || form.dataset.alive) return this.enlivening;
    form.dataset.alive = "yes";
    this.enlivening = this.bringToLife(form, me);
    return this.enlivening;
  }

  async bringToLife(form, me) {
    try {
      this.draft ??= await outcomeDraft(this.number, me);
      this.outcome = await outcomeForm(form, this.draft, this.complain);
    } catch (error) {
      console.warn("outcome", error); // stored or not, it can still be sent while there is a line
    }
  }

  submitted(event) {
    const form = event.target;
    if (!(form.dataset.action in NEXT) || this.native === form) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = form.querySelector(".the-step");
    if (button.disabled || this.quietUntil > performance.now()) return;
    button.disabled = true;
    this.take(form).then(() => { this.quietUntil = performance.now() + QUIET_MS; }, (error) => this.otherWay(form, error))
      .finally(() => { button.disabled = false; this.rest(); });
  }

  async take(form) {
    const me = await account.known();
    const { action } = form.dataset;
    await this.enlivening;
    const outcome = action === "report_outcome" ? this.outcome : null;
    await outcome?.settled();
    const note = form.querySelector("textarea")?.value ?? "";
    await fileStep({ number: this.number, action, note, draft: outcome?.draft }, me);
    outcome?.close();
    if (outcome) this.outcome = this.draft = null;
    this.complain("");
    await this.show();
    drain("eager");
    askForSync();
    scrollTo(0, 0);
  }

  /** A full phone is told; one that stores nothing at all can still send while it is connected. */
  otherWay(form, error) {
    console.warn("not saved", error);
    const known = ["file_lost", "already_filed"].includes(error.message) || error.name === "QuotaExceededError";
    if (known || this.draft?.files.length) return this.complain(whyNot(error, known ? error.message : "save_failed"));
    this.native = form;
    return setTimeout(() => form.requestSubmit(form.querySelector(".the-step")));
  }
}

/** One step that waits, or that came too late, in words. */
function line(step, mustLogIn) {
  const name = say(`action_${step.action}`);
  if (step.state === "received") {
    return make("li", { class: "notice", data: { id: step.id } }, make("span", { class: "grow", text: say("step_late", { step: name }) }),
      make("button", { type: "button", class: "btn", text: say("understood"), on: { click: () => dismiss(step.id) } }));
  }
  const state = describeQueued(step, mustLogIn);
  return make("li", { class: "card stack", data: { id: step.id } }, make("b", { text: name }), stateLine(state),
    helpFor(step.id, state.state));
}

/** On the list of tasks: what waits stands below its case. */
export async function showWaiting(list) {
  const [me, mustLogIn] = await Promise.all([account.known(), account.mustLogIn()]);
  const waiting = stepsOf(await store.all("steps"), me).filter(({ state }) => state !== "received");
  for (const place of list.querySelectorAll(".waits")) {
    const last = waiting.filter((step) => step.case === place.dataset.number).at(-1);
    const state = last && describeQueued(last, mustLogIn);
    const values = last && { step: say(`action_${last.action}`), state: state.words };
    fill(place, last ? stateLine({ ...state, words: say("step_waits", values) }) : null);
  }
}
