// A case's pictures over the whole screen: larger and smaller, moved about, one after another, before beside after.
// By wheel, two fingers, double tap, buttons or keys. Loaded when the first picture is opened.

import { fill, icon, make } from "./dom.js";
import { surface } from "./desk-zoom.js";
import { say } from "./words.js";

const PAN = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] };

/** Open at this link; the others of its case can be gone through. */
export function view(link) {
  const links = [...document.querySelectorAll("#case .photos a[data-taken]")];
  const shown = { links, at: links.indexOf(link), both: false };
  const { dialog, parts } = build();
  const zoom = surface(parts.stage, (by) => step(by));
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    const now = [...document.querySelectorAll("#case .photos a")].find((one) => one.href === links[shown.at].href);
    now?.focus(); // the case may have been drawn anew meanwhile
  });
  dialog.addEventListener("keydown", keys);
  dialog.addEventListener("click", ({ target }) => acts[target.closest("[data-act]")?.dataset.act]?.());
  const acts = {
    in: () => zoom.by(1.5), out: () => zoom.by(1 / 1.5), next: () => step(1), previous: () => step(-1),
    both: () => { shown.both = !shown.both; draw(); }, close: () => dialog.close(),
  };
  dialog.showModal();
  draw();
  parts.stage.focus();

  function step(by) {
    const to = shown.at + by;
    if (shown.both || to < 0 || to >= links.length) return;
    shown.at = to;
    draw();
  }

  function draw() {
    const pair = shown.both ? [first(links, "before", shown), first(links, "after", shown)] : [links[shown.at]];
    fill(parts.stage, ...pair.map(pane));
    zoom.reset();
    parts.what.textContent = pair.map(about).join(" ⇄ ");
    parts.count.textContent = shown.both ? "" : say("photo_count", { n: shown.at + 1, all: links.length });
    parts.both.hidden = !(has(links, "before") && has(links, "after"));
    parts.both.setAttribute("aria-pressed", String(shown.both));
    parts.previous.setAttribute("aria-disabled", String(shown.both || shown.at === 0));
    parts.next.setAttribute("aria-disabled", String(shown.both || shown.at === links.length - 1));
  }

  function keys(event) {
    event.stopPropagation(); // the desk's own keys are asleep
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pan = PAN[event.key];
    const act = {
      "+": "in", "=": "in", "-": "out", PageDown: "next", PageUp: "previous", c: "both",
      ArrowRight: zoom.large() ? "" : "next", ArrowLeft: zoom.large() ? "" : "previous",
    }[event.key];
    if (act) acts[act]();
    else if (event.key === "0") zoom.reset();
    else if (pan && zoom.large()) zoom.move(...pan);
    else return;
    event.preventDefault();
  }
}

function build() {
  const button = (act, sign, ...inside) => make("button", { type: "button", class: "btn", data: { act }, "aria-label": say(`photo_${act}`), title: say(`photo_${act}`), text: sign }, ...inside);
  const stage = make("div", { class: "viewer-stage", tabindex: 0, role: "group", "aria-label": say("photo_keys") });
  const what = make("span", { class: "viewer-what", "aria-live": "polite" });
  const count = make("span", { class: "number" });
  const both = make("button", { type: "button", class: "btn", data: { act: "both" }, text: say("photo_both") });
  const previous = button("previous", "‹");
  const next = button("next", "›");
  const close = button("close", null, icon("close"));
  const head = make("p", { class: "viewer-bar" }, what, count, close);
  const foot = make("p", { class: "viewer-bar" }, previous, button("out", "−"), button("in", "＋"), next, both);
  const dialog = make("dialog", { class: "viewer", "aria-label": say("photo_viewer") }, head, stage, foot);
  return { dialog, parts: { stage, what, count, both, previous, next } };
}

function pane(link) {
  const alt = about(link);
  const image = make("img", { alt, draggable: "false" });
  const failed = make("span", { class: "viewer-failed", hidden: true, text: say("photo_failed") });
  image.addEventListener("error", () => { image.hidden = true; failed.hidden = false; });
  image.src = link.href;
  return make("div", { class: "viewer-pane" }, image, failed);
}

const about = ({ dataset }) => say(`photo_${dataset.side}`, { time: dataset.taken });
const has = (links, side) => links.some((one) => one.dataset.side === side);

/** The one that is shown, if it is of this side, else the side's first. */
function first(links, side, { at }) {
  return links[at].dataset.side === side ? links[at] : links.find((one) => one.dataset.side === side);
}
