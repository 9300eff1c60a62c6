// A shift dragged onto another: two people change places. The same can be done by form on each shift's own page.

import { say } from "./words.js";

let held = null;

const shiftUnder = (event) => event.target.closest?.("[data-shift]");
const fits = (shift) => held && shift && shift !== held && shift.dataset.name !== held.dataset.name
  && shift.closest("[data-rung]").dataset.rung === held.closest("[data-rung]").dataset.rung;

/** Send what the form on the shift's page would send. */
function exchange(one, other) {
  const form = Object.assign(document.createElement("form"), { method: "post", action: "/desk/exchanges", hidden: true });
  for (const [name, value] of [["one", one.dataset.shift], ["other", other.dataset.shift]]) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
}

function unmark() {
  for (const shift of document.querySelectorAll(".shift.over")) shift.classList.remove("over");
}

document.addEventListener("dragstart", (event) => {
  held = shiftUnder(event) ?? null;
  if (held) event.dataTransfer.effectAllowed = "move";
});
document.addEventListener("dragover", (event) => {
  const shift = shiftUnder(event);
  unmark();
  if (!fits(shift)) return;
  event.preventDefault();
  shift.classList.add("over");
});
document.addEventListener("dragend", () => {
  held = null;
  unmark();
});
document.addEventListener("drop", (event) => {
  const shift = shiftUnder(event);
  if (!fits(shift)) return;
  event.preventDefault();
  const one = held;
  const said = say("roster_swap", {
    one: one.dataset.name, one_at: one.dataset.when, other: shift.dataset.name, other_at: shift.dataset.when,
  });
  if (confirm(said)) exchange(one, shift);
});
