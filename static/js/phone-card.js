// One check of this phone: what is known in words beside icon and colour, and a button that really tests.

import { byId, fill, icon, make } from "./dom.js";
import { say } from "./words.js";

const SIGNS = { fine: "check", look: "warn", unknown: "help", busy: "clock" };

/** A card of the page. `look()` says what is known without trying, `test(tell)` tries; `tell(sentence)` on the way.
 * Both return {state: "fine"|"look"|"unknown", says: [sentences], advice: [what to do]}. */
export class Card {
  constructor({ id, look, test }) {
    Object.assign(this, { look, test, running: null, box: byId(`check-${id}`) });
    this.part = (name) => this.box.querySelector(`.${name}`);
    this.part("test")?.addEventListener("click", () => this.run());
  }

  /** Show what is known; not over a test under way. */
  async refresh() {
    const known = await this.look().catch(failed);
    if (!this.running) this.show(known);
  }

  /** Test, never twice at once. */
  run() {
    this.show({ state: "busy", says: [] });
    this.running ??= this.test((sentence) => this.show({ state: "busy", says: [sentence] }))
      .catch(failed)
      .then((found) => { if (found) this.show(found); })
      .finally(() => { this.running = null; });
    return this.running;
  }

  show({ state, says, advice = [] }) {
    this.box.dataset.state = state;
    fill(this.part("verdict"), icon(SIGNS[state]), make("b", { text: say(`verdict_${state}`) }));
    fill(this.part("says"), ...says.filter(Boolean).map((text) => make("li", { text })));
    fill(this.part("advice"), ...advice.filter(Boolean).map((text) => make("li", { text })));
  }
}

function failed(error) {
  console.warn("check", error);
  return { state: "look", says: [say("test_failed")], advice: [] };
}
