// One thing to do over the whole screen, with two ways out: keep it, or not. The phone's own way back and Escape leave
// everything as it was.

import { make, tell } from "./dom.js";
import { say } from "./words.js";

const BACK_MS = 1_000;
const styles = new Map();

/** Open a sheet of the look `style` over the page. `act(isOpen)` runs when a person says yes; a sentence it throws is
 * shown and the sheet stays. Resolves when the sheet is gone: with what `act` returned, or null without a change. */
export async function openSheet({ style, title, body, tools = [], yes, act }) {
  await Promise.all(["sheet", style].map(styled));
  const problem = make("p", { class: "notice notice-bad", role: "alert", hidden: true }, make("span", { class: "grow" }));
  const box = make("dialog", { class: `sheet ${style}`, "aria-labelledby": "sheet-title" },
    make("h2", { id: "sheet-title", text: title }), ...body, problem);
  return new Promise((done) => {
    let outcome = null;
    const opener = document.activeElement;
    const close = () => box.close();
    const accept = async () => {
      if (!act) return close();
      box.setAttribute("aria-busy", "true");
      tell(problem, "");
      try {
        outcome = (await act(() => box.open)) ?? null;
        close();
      } catch (error) {
        tell(problem, error.message);
      }
      return box.removeAttribute("aria-busy");
    };
    box.append(make("div", { class: "sheet-foot" }, ...tools, button("sheet_back", "", close),
      yes ? button(yes, "btn-primary", accept) : null));
    addEventListener("popstate", close, { once: true });
    box.addEventListener("close", async () => {
      removeEventListener("popstate", close);
      await wentBack();
      box.remove();
      opener?.focus();
      done(outcome);
    });
    document.body.append(box);
    history.pushState("sheet", "");
    box.showModal();
  });
}

/** A large button of a sheet. */
export const button = (key, look, click) =>
  make("button", { type: "button", class: `btn btn-big ${look}`, text: say(key), on: { click } });

/** Whichever way it was closed: the step that the way back would have undone is gone. */
function wentBack() {
  if (history.state !== "sheet") return null;
  const gone = new Promise((done) => {
    addEventListener("popstate", done, { once: true });
    setTimeout(done, BACK_MS);
  });
  history.back();
  return gone;
}

/** A stylesheet that only few need; without it things still work. */
export function styled(name) {
  if (!styles.has(name)) {
    styles.set(name, new Promise((done) => {
      const href = new URL(`../css/${name}.css`, import.meta.url);
      document.head.append(make("link", { rel: "stylesheet", href, on: { load: done, error: done } }));
    }));
  }
  return styles.get(name);
}

/** Where a pointer is inside an element, in its CSS pixels. */
export function placeIn(element, { clientX, clientY }) {
  const { left, top } = element.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}

/** Follow one finger over `element`: `tap(at)` without a drag, else `drag(from, to, before)` all the way and `drop(from, to)`;
 * `abandon()` when the system takes the finger away. */
export function followFinger(element, { grab = () => {}, tap, drag, drop = () => {}, abandon = () => {} }) {
  let from = null;
  let last = null;
  let moved = false;
  element.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button) return;
    element.setPointerCapture(event.pointerId);
    from = last = placeIn(element, event);
    moved = false;
    grab(from);
  });
  element.addEventListener("pointermove", (event) => {
    if (!from || !event.isPrimary) return;
    const to = placeIn(element, event);
    moved ||= Math.hypot(to.x - from.x, to.y - from.y) > SLOP;
    if (!moved) return;
    drag(from, to, last);
    last = to;
  });
  element.addEventListener("pointerup", (event) => {
    if (!from || !event.isPrimary) return;
    if (moved) drop(from, placeIn(element, event));
    else tap(from);
    from = null;
  });
  element.addEventListener("pointercancel", () => {
    if (from) abandon();
    from = null;
  });
}

const SLOP = 8; // CSS pixels a resting thumb trembles
