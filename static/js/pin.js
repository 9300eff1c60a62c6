// The place of a report set by hand, on a drawing that needs no map: what the satellites found in the middle, how far
// away in rings, own earlier reports as dots. Loaded when somebody asks for it.

import { known } from "./account.js";
import { fill, make } from "./dom.js";
import { followFinger, openSheet } from "./sheet.js";
import { titleOf } from "./states.js";
import * as store from "./store.js";
import { say } from "./words.js";

const DEGREE_M = 111_195;
const RINGS_M = [50, 100, 200, 500, 1000, 2000, 5000];
const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const IN_SIGHT_M = 120;
const FARTHEST_M = 50_000;
const GRIP_PX = 44;
const FINGER_PX = 20; // no thumb is more exact
const STEP_PX = 12;
const LINE_PX = 24;
const BAR_PX = 110;
const [LEAST_SCALE, MOST_SCALE] = [0.01, 8]; // pixels of the screen per metre
const DOTS = 12;
const LABEL = 6; // letters

/** Ask for the place of `draft`. → the fix that a person has set, or null. */
export async function openPin(draft) {
  const reports = await ownReports().catch(() => []); // a browser that stores nothing can still point
  const origin = draft.fix ? draft.fix.from ?? draft.fix : reports[0];
  if (!origin) return openSheet({ style: "pin", title: say("pin_title"), body: [make("p", { text: say("pin_nowhere") })] });
  const chart = new Chart(origin, reports, draft.fix ?? origin);
  const hint = make("p", { text: say(draft.fix ? "pin_hint" : "pin_last") });
  const body = [hint, chart.status, chart.stage];
  return openSheet({ style: "pin", title: say("pin_title"), body, yes: "pin_use", act: () => chart.fix() });
}

/** Where this person's own reports on this phone were, the latest first: {lat, lon, accuracy_m, title}. */
async function ownReports() {
  const [me, queued, sent] = await Promise.all([known(), store.all("reports"), store.all("sent")]);
  return [...queued, ...sent]
    .map((report) => ({ ...(report.position ?? report.body?.position), owner: report.owner, title: titleOf(report),
      at: Date.parse(report.captured_at ?? report.body?.captured_at) }))
    .filter(({ owner, lat }) => owner === me?.id && Number.isFinite(lat))
    .sort((a, b) => b.at - a.at);
}

/** Metres east and north of `origin`. */
function offset(origin, { lat, lon }) {
  const east = (lon - origin.lon) * DEGREE_M * Math.cos((origin.lat * Math.PI) / 180);
  return { east, north: (lat - origin.lat) * DEGREE_M };
}

function svg(tag, attributes = {}, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
}

const metres = (n) => say("pin_metres", { n });

/** The drawing. Everything in it is in metres from its middle; the pin is what counts. */
class Chart {
  constructor(origin, reports, pin) {
    Object.assign(this, { origin, pin: offset(origin, pin), view: { east: 0, north: 0 }, scale: 0, held: false });
    const others = reports.filter((one) => one !== origin).slice(0, DOTS);
    this.dots = others.map((one) => ({ ...offset(origin, one), title: one.title }));
    this.status = make("p", { role: "status", class: "pin-words" });
    this.drawing = svg("svg", { tabindex: 0, role: "application", "aria-label": say("pin_keys") });
    const zoom = make("div", { class: "pin-zoom" }, this.zoomer("+", 2), this.zoomer("−", 0.5));
    this.stage = make("div", { class: "stage" }, this.drawing, zoom);
    new ResizeObserver(() => this.fit()).observe(this.stage);
    this.drawing.addEventListener("keydown", (event) => this.press(event));
    followFinger(this.drawing, {
      grab: (at) => { this.held = this.isOnPin(at); },
      tap: (at) => this.put(this.ground(at)),
      drag: (_from, to, last) => this.drag((to.x - last.x) / this.scale, (last.y - to.y) / this.scale),
    });
  }

  zoomer(sign, by) {
    const look = { type: "button", class: "btn btn-big", text: sign, "aria-label": say(by > 1 ? "pin_closer" : "pin_wider") };
    return make("button", { ...look, on: { click: () => this.zoom(by) } });
  }

  fit() {
    [this.width, this.height] = [this.stage.clientWidth, this.stage.clientHeight];
    if (!this.width || !this.height) return; // not on the screen yet
    const reach = Math.max(IN_SIGHT_M, 1.2 * (this.origin.accuracy_m ?? 0), 1.2 * Math.hypot(this.pin.east, this.pin.north));
    this.scale ||= this.bounded(Math.min(this.width, this.height) / 2 / reach);
    this.draw();
  }

  bounded(scale) {
    return Math.min(MOST_SCALE, Math.max(LEAST_SCALE, scale));
  }

  /** Closer or wider, with the pin staying where it is on the screen. */
  zoom(by) {
    const scale = this.bounded(this.scale * by);
    const keep = this.scale / scale;
    const { east, north } = this.pin;
    this.view = { east: east + (this.view.east - east) * keep, north: north + (this.view.north - north) * keep };
    this.scale = scale;
    this.draw();
  }

  drag(east, north) {
    if (this.held) this.put({ east: this.pin.east + east, north: this.pin.north + north });
    else this.view = { east: this.view.east - east, north: this.view.north - north };
    this.draw();
  }

  put({ east, north }) {
    const bounded = (value) => Math.min(FARTHEST_M, Math.max(-FARTHEST_M, value));
    this.pin = { east: bounded(east), north: bounded(north) };
    this.draw();
  }

  press(event) {
    const by = { "+": 2, "=": 2, "-": 0.5 }[event.key];
    const [east, north] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
    if (!by && east === undefined) return;
    event.preventDefault();
    if (by) return this.zoom(by);
    const step = nice(STEP_PX / this.scale);
    this.put({ east: this.pin.east + east * step, north: this.pin.north + north * step });
    if (!this.isInSight()) this.view = { ...this.pin };
    return this.draw();
  }

  isInSight() {
    const { x, y } = this.screen(this.pin);
    return x > 0 && x < this.width && y > 0 && y < this.height;
  }

  isOnPin(at) {
    const { x, y } = this.screen(this.pin);
    return Math.hypot(at.x - x, at.y - (y - GRIP_PX / 2)) < GRIP_PX;
  }

  screen({ east, north }) {
    const { view, scale } = this;
    return { x: this.width / 2 + (east - view.east) * scale, y: this.height / 2 - (north - view.north) * scale };
  }

  ground({ x, y }) {
    const { view, scale } = this;
    return { east: view.east + (x - this.width / 2) / scale, north: view.north - (y - this.height / 2) / scale };
  }

  /** As exact as what it was measured from and the finger on it. */
  fix() {
    const { lat, lon, accuracy_m = 0 } = this.origin;
    const around = { lat, lon, accuracy_m };
    const north = lat + this.pin.north / DEGREE_M;
    const east = lon + this.pin.east / (DEGREE_M * Math.cos((lat * Math.PI) / 180));
    const exact = Math.round(Math.hypot(accuracy_m ?? 0, FINGER_PX / this.scale));
    return { lat: rounded(north), lon: rounded(east), accuracy_m: exact, timestamp: Date.now(), source: "pin", from: around };
  }

  draw() {
    this.status.textContent = inWords(this.pin);
    if (!this.scale) return;
    const middle = this.screen({ east: 0, north: 0 });
    fill(this.drawing, ...this.rings(middle), ...this.dots.flatMap((dot) => this.dot(dot)), ...here(middle),
      ...this.bar(), ...northArrow(this.width), marker(this.screen(this.pin)));
  }

  rings({ x, y }) {
    const circle = (r, look) => svg("circle", { cx: x, cy: y, r: r * this.scale, class: look });
    const shown = RINGS_M.filter((r) => r * this.scale > 30 && r * this.scale < this.width + this.height);
    const top = (r) => y - r * this.scale;
    const word = (r) => svg("text", { x, y: top(r) - 4, "text-anchor": "middle" }, metres(r));
    const words = shown.filter((r) => top(r) > LINE_PX).map(word);
    return [circle(this.origin.accuracy_m ?? 0, "sure-of"), ...shown.map((r) => circle(r, "ring")), ...words];
  }

  dot(one) {
    const { x, y } = this.screen(one);
    const words = one.title.length > LABEL ? `${one.title.slice(0, LABEL)}…` : one.title;
    return [svg("circle", { cx: x, cy: y, r: 7, class: "dot" }), svg("text", { x: x + 12, y: y + 6 }, words)];
  }

  bar() {
    const length = nice(BAR_PX / this.scale);
    const [x, y, span] = [12, this.height - 14, length * this.scale];
    const line = svg("path", { d: `M${x} ${y - 8}v8h${span}v-8`, class: "bar" });
    return [line, svg("text", { x: x + 4, y: y - 12 }, metres(length))];
  }
}

const here = ({ x, y }) => [svg("path", { d: `M${x - 12} ${y}h24M${x} ${y - 12}v24`, class: "here" })];

const PIN_SHAPE = "c-4-14-17-19-17-31a17 17 0 0 1 34 0c0 12-13 17-17 31zm-6-31a6 6 0 0 0 12 0a6 6 0 0 0-12 0z";

const marker = ({ x, y }) => svg("path", { d: `M${x} ${y}${PIN_SHAPE}`, class: "marker" });

const northArrow = (width) => [
  svg("path", { d: `M${width - 24} 12l10 26-10-6-10 6z`, class: "north" }),
  svg("text", { x: width - 24, y: 60, "text-anchor": "middle" }, say("pin_n")),
];

const nice = (value) => NICE.filter((one) => one <= value).pop() ?? NICE[0];

const rounded = (degrees) => Math.round(degrees * 1e7) / 1e7;

/** "往东 40 米，往北 20 米" */
function inWords({ east, north }) {
  const [a, b] = [Math.round(east), Math.round(north)];
  const ways = [
    a && say(a > 0 ? "pin_east" : "pin_west", { n: Math.abs(a) }),
    b && say(b > 0 ? "pin_north" : "pin_south", { n: Math.abs(b) }),
  ].filter(Boolean);
  return ways.length === 2 ? say("pin_both", { a: ways[0], b: ways[1] }) : ways[0] ?? say("pin_here");
}
