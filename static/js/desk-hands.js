// What makes a case quick to handle: ready sentences, its text on the clipboard, its pictures large. Listens on the
// document, for the case is drawn anew all the time; what is seldom needed is loaded when it is.

import { copy } from "./copy.js";
import { byId, make } from "./dom.js";

const NOTE = "#case textarea[name=note]";

/** Listen. */
export function startHands() {
  document.addEventListener("click", clicked);
  document.addEventListener("toggle", ({ target }) => { if (target.open && target.matches?.("#case details.action")) offer(target); }, true);
  document.addEventListener("focusin", ({ target }) => { if (target.matches(NOTE)) target.dataset.seen = ""; });
  document.addEventListener("keydown", (event) => {
    const digit = event.altKey && !event.ctrlKey && !event.metaKey && event.target.matches(NOTE) && event.code.match(/^Digit([1-9])$/);
    const button = digit && event.target.parentElement.querySelectorAll(".phrase-pick")[digit[1] - 1];
    if (!button) return;
    event.preventDefault();
    button.click();
  });
}

function clicked(event) {
  const { target } = event;
  if (target.closest("#copy-block")) copyBlock();
  const picture = target.closest("#case .photos a[data-taken]");
  if (picture && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    import("./desk-viewer.js").then(({ view }) => view(picture), () => window.open(picture.href, "_blank", "noopener"));
  }
}

/** Ready sentences below the field of a form that was just opened. */
function offer(fold) {
  const field = fold.querySelector("textarea[name=note]");
  const texts = JSON.parse(byId("phrases")?.textContent ?? "{}")[fold.querySelector("[name=action]")?.value] ?? [];
  if (!field || !texts.length || fold.querySelector(".phrases")) return;
  field.after(make("div", { class: "phrases" }, ...texts.map((text, n) => make("button", {
    type: "button", class: "btn phrase-pick", text, "data-n": n < 9 ? n + 1 : null, "aria-keyshortcuts": n < 9 ? `Alt+${n + 1}` : null,
    on: { click: () => put(field, text) },
  }))));
}

/** At the cursor, or after everything where nobody has been yet; what stands there stays. */
function put(field, text) {
  const at = "seen" in field.dataset ? field.selectionEnd : field.value.length;
  field.focus();
  field.setSelectionRange(at, at);
  if (document.execCommand("insertText", false, text)) return; // can be undone with the keys
  field.setRangeText(text, at, at, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

async function copyBlock() {
  const block = byId("block");
  const done = await copy(block.value);
  if (!done) {
    byId("block-fold").open = true;
    block.focus();
    block.select();
  }
  byId("copied").textContent = done ? block.dataset.copied : block.dataset.byHand;
}
