// A boundary drawn by hand: tap a corner after another, drag one, take the last back, close, save. The text field is what
// is sent, so everything can be done there without a pointer.

import { byId, make } from "./dom.js";
import { openMap, polygon } from "./desk-map-base.js";
import { say } from "./words.js";

const { L } = window;
const config = JSON.parse(byId("map-config").textContent);
const text = byId("corners");
const { map, shift } = await openMap(byId("map"), config);
const outline = L.polyline([], { className: "draw-line", interactive: false }).addTo(map);
const handles = L.layerGroup().addTo(map);
let corners = read(); // [lat, lon], WGS-84
let closed = corners.length > 2;
let imported = null;

function read() {
  const lines = text.value.split("\n").map((line) => line.replaceAll("，", ",").split(",").map(Number));
  return lines.filter(([lat, lon]) => Number.isFinite(lat) && Number.isFinite(lon));
}

function changed() {
  text.value = corners.map((corner) => corner.map((degrees) => degrees.toFixed(6)).join(", ")).join("\n");
  draw();
}

function draw() {
  const places = corners.map(shift.there);
  outline.setLatLngs(closed && places.length > 2 ? [...places, places[0]] : places);
  handles.clearLayers();
  places.forEach((place, at) => handle(place, at).addTo(handles));
  const state = corners.length ? say("draw_corners", { n: corners.length }) : "";
  byId("draw-state").textContent = [state, say(closed ? "draw_closed" : "draw_open")].filter(Boolean).join(" · ");
  byId("draw-close").disabled = closed || corners.length < 3;
  byId("draw-undo").disabled = corners.length === 0;
  byId("draw-save").disabled = imported !== null || (corners.length > 0 && !closed);
}

function handle(place, at) {
  const icon = L.divIcon({ className: "draw-corner", html: make("i"), iconSize: [28, 28] });
  const marker = L.marker(place, { icon, draggable: true, keyboard: false, title: say("draw_corner", { n: at + 1 }) });
  return marker.on("dragend", () => { corners[at] = shift.back(marker.getLatLng()); changed(); })
    .on("click", () => { if (at === 0 && corners.length > 2) close(); });
}

function close() {
  closed = true;
  draw();
}

map.on("click", ({ latlng }) => {
  if (closed || imported) return;
  corners.push(shift.back(latlng));
  changed();
});
byId("draw-undo").addEventListener("click", () => {
  corners.pop();
  closed = false;
  changed();
});
byId("draw-close").addEventListener("click", close);
byId("draw-again").addEventListener("click", () => {
  imported?.remove();
  imported = null;
  corners = [];
  closed = false;
  changed();
});
text.addEventListener("input", () => {
  corners = read();
  closed = corners.length > 2;
  imported?.remove();
  imported = null;
  draw();
});
for (const { boundary, level } of config.others) polygon(shift, boundary, `area area-${level}`).addTo(map);
if (config.own && corners.length === 0) imported = polygon(shift, config.own, "area area-own").addTo(map);
byId("draw-tools").hidden = false;
draw();
