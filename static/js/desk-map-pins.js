// Cases on the map: shape and colour by severity, several at one spot as one pin with a number, many as a counted circle.

import { make } from "./dom.js";
import { countdown } from "./countdown.js";
import { say } from "./words.js";

const { L } = window;
const SAME_SPOT_PX = 22;
const MOST_NAMED = 8;
const WORST_FIRST = ["red", "yellow", "blue"];

export class Pins {
  constructor(map, shift, query) {
    Object.assign(this, { map, shift, query, shown: new Map() });
    this.ring = L.circleMarker([0, 0], { radius: 18, interactive: false, className: "pin-ring" });
  }

  /** Show exactly these; what stays the same is left alone, so that nothing blinks under the hand. */
  show({ points, clusters }) {
    const wanted = new Map();
    for (const together of this.bySpot(points)) wanted.set(keyOf(together), () => this.pin(together));
    for (const cluster of clusters) wanted.set(`${cluster.count}:${cluster.severity}:${cluster.box}`, () => this.cluster(cluster));
    for (const [key, marker] of this.shown) if (!wanted.has(key)) this.drop(key, marker);
    for (const [key, build] of wanted) if (!this.shown.has(key)) this.shown.set(key, build().addTo(this.map));
  }

  /** Ring the place of a row of the list; null takes the ring away. */
  mark(place) {
    if (!place) this.ring.remove();
    else this.ring.setLatLng(this.shift.there(place)).addTo(this.map);
  }

  drop(key, marker) {
    marker.remove();
    this.shown.delete(key);
  }

  /** Points that would cover each other at this zoom stand as one. */
  bySpot(points) {
    const spots = new Map();
    for (const point of points) {
      const { x, y } = this.map.project(this.shift.there([point.lat, point.lon]));
      const spot = `${Math.round(x / SAME_SPOT_PX)},${Math.round(y / SAME_SPOT_PX)}`;
      spots.set(spot, [...(spots.get(spot) ?? []), point]);
    }
    return spots.values();
  }

  pin(together) {
    together.sort((a, b) => WORST_FIRST.indexOf(a.severity) - WORST_FIRST.indexOf(b.severity));
    const [worst] = together;
    const shape = make("i", { class: "pin-shape", data: { severity: worst.severity } });
    const count = together.length > 1 ? make("b", { class: "pin-count", text: together.length }) : null;
    const icon = L.divIcon({ className: "pin", html: make("span", {}, shape, count), iconSize: [30, 30] });
    const marker = L.marker(this.shift.there([worst.lat, worst.lon]), { icon, keyboard: false, zIndexOffset: height(worst) });
    return marker.on("click", () => this.tell(marker.getLatLng(), together));
  }

  cluster({ count, severity, lat, lon, box: [west, south, east, north] }) {
    const html = make("span", { class: "pin-many", data: { severity }, text: count, title: say("map_cluster", { n: count }) },
      make("i", { class: "pin-shape", data: { severity } }));
    const size = count < 10 ? 38 : count < 100 ? 46 : 54;
    const icon = L.divIcon({ className: "pin", html, iconSize: [size, size] });
    const marker = L.marker(this.shift.there([lat, lon]), { icon, keyboard: false });
    const corners = [this.shift.there([south, west]), this.shift.there([north, east])];
    return marker.on("click", () => this.map.fitBounds(corners, { padding: [48, 48] }));
  }

  tell(at, together) {
    const more = together.length - MOST_NAMED;
    const body = make("div", { class: "stack" }, ...together.slice(0, MOST_NAMED).map((one) => this.card(one)),
      more > 0 ? make("p", { class: "small", text: say("map_more", { n: more }) }) : null);
    L.popup({ className: "map-popup", maxWidth: 280, closeButton: true }).setLatLng(at).setContent(body).openOn(this.map);
  }

  card({ number, title, severity, place, status, due_at: due }) {
    const left = due ? make("span", { class: "due", data: { due }, text: countdown(Math.floor((Date.parse(due) - Date.now()) / 1000)) }) : null;
    return make("div", { class: "map-card", data: { number } },
      make("p", { class: "row" }, make("span", { class: "severity", data: { severity }, text: say(`severity_${severity}`) }), left),
      make("p", {}, make("b", { text: title })),
      make("p", { class: "small muted", text: `${number} · ${place} · ${status}` }),
      make("a", { class: "btn btn-wide", href: `/desk/cases/${number}${this.query()}`, text: say("map_open") }));
  }
}

const height = ({ severity }) => 1000 * (3 - WORST_FIRST.indexOf(severity));

const keyOf = (together) => together.map(({ number, severity, lat, lon, status, due_at: due }) =>
  [number, severity, lat, lon, status, due].join(":")).sort().join();
