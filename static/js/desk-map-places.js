// Villages, cells and the town around them, drawn; and of their names as many as fit, at any zoom, none over another and
// none below a case.

import { make } from "./dom.js";
import { CELLS_FROM, polygon } from "./desk-map-base.js";

const { L } = window;
const TOWN_BEFORE = 12; // farther out than this the town's own name comes first
const APART_PX = 3;
const FIRST = ["town", "village", "cell"];
const HERE = { across: 0, down: 0 };
// where a name goes when its own place is taken, in its own heights, the nearest first
const STEPS = range(-6, 6, 1).flatMap((across) => range(-9, 9, 0.5).map((down) => ({ across, down })))
  .sort((one, other) => Math.hypot(one.across, one.down) - Math.hypot(other.across, other.down));
const GUESSED_STEPS = STEPS.filter(({ across, down }) => Math.hypot(across, down) <= 1);

/** `town`: its name. → {unknown, fit}: the names of those that nobody knows a place of; `fit()` once cases were drawn. */
export function drawPlaces(map, shift, town, places) {
  const drawn = places.filter(({ boundary }) => boundary);
  outline(map, shift, drawn);
  for (const { boundary, level } of drawn) polygon(shift, boundary, `area area-${level}`).addTo(map);
  const known = places.filter(({ lat }) => lat != null);
  const whole = known.length ? [middle(town, drawn.length ? drawn : known)] : [];
  const names = [...whole, ...known].sort(before).map((place) => ({
    ...place, marker: nameOf(shift, place).addTo(map), reach: L.latLngBounds(spread(place).map(shift.there)),
  }));
  const fit = () => fitIn(names, map);
  map.on("moveend resize", fit);
  fit();
  return { fit, unknown: places.filter(({ boundary, lat }) => !boundary && lat == null).map(({ name }) => name) };
}

/** Around all villages together: their lines drawn thick, and what lies inside covered again. */
function outline(map, shift, drawn) {
  const villages = drawn.filter(({ level }) => level === "village");
  for (const look of ["town", "town-inside"]) for (const { boundary } of villages) polygon(shift, boundary, look, "town").addTo(map);
}

function middle(name, places) {
  const { lat, lng: lon } = L.latLngBounds(places.flatMap((place) => spread(place))).getCenter();
  return { name, level: "town", lat, lon };
}

const spread = ({ boundary, lat, lon }) => boundary ? ringsOf(boundary).flat().map(([east, north]) => [north, east]) : [[lat, lon]];

const ringsOf = ({ type, coordinates }) => (type === "Polygon" ? coordinates : coordinates.flat());

/** Where there is not room for all: the town's, then villages, the larger first, those that are only guessed last. */
function before(one, other) {
  return FIRST.indexOf(one.level) - FIRST.indexOf(other.level) || extent(other) - extent(one);
}

function extent({ boundary }) {
  if (!boundary) return 0;
  const box = L.latLngBounds(spread({ boundary }));
  return (box.getEast() - box.getWest()) * (box.getNorth() - box.getSouth());
}

function nameOf(shift, { lat, lon, name, level, boundary }) {
  const html = make("span", { class: `area-name area-name-${level}${boundary || level === "town" ? "" : " area-guessed"}`, text: name });
  const icon = L.divIcon({ className: "area-label", html, iconSize: null });
  return L.marker(shift.there([lat, lon]), { icon, pane: "names", interactive: false, keyboard: false });
}

function fitIn(names, map) {
  const taken = [...map.getPane("markerPane").querySelectorAll(".pin > span")].map((pin) => pin.getBoundingClientRect());
  const seen = map.getContainer().getBoundingClientRect();
  const wanted = names.filter(({ level }) => isFor(level, map.getZoom())).map((name) => [name, ownBox(name)]);
  const boxes = new Map(wanted.filter(([, box]) => meet(box, seen))); // towns may have hundreds of cells
  const isFree = (box) => !taken.some((other) => meet(box, other));
  for (const name of names) {
    const box = boxes.get(name);
    const step = box && stepsOf(name, map, box).find((to) => isFree(moved(box, to)));
    labelOf(name).classList.toggle("area-unnamed", !step);
    if (!step) continue;
    name.step = step;
    labelOf(name).style.margin = `${step.down * box.height}px 0 0 ${step.across * box.height}px`;
    taken.push(moved(box, step));
  }
}

/** Those that leave a name within its village, as far as that reaches; a guessed one goes hardly away. */
function stepsOf({ level, boundary, reach, marker }, map, { height }) {
  if (level === "town") return STEPS;
  if (!boundary) return GUESSED_STEPS;
  const [from, own, to] = [reach.getNorthWest(), marker.getLatLng(), reach.getSouthEast()].map((place) => map.project(place));
  const isIn = (low, at, high) => low + height < at && at < high - height;
  return STEPS.filter(({ across, down }) => (across === 0 && down === 0)
    || (isIn(from.x, own.x + across * height, to.x) && isIn(from.y, own.y + down * height, to.y)));
}

const labelOf = ({ marker }) => marker.getElement().firstChild;

/** Where a name is without having been moved. */
function ownBox(name) {
  const { across, down } = name.step ?? HERE;
  return moved(labelOf(name).getBoundingClientRect(), { across: -across, down: -down });
}

const moved = ({ left, right, top, bottom, height }, { across, down }) => ({
  height, left: left + across * height, right: right + across * height, top: top + down * height, bottom: bottom + down * height,
});

const isFor = (level, zoom) => (level === "town" ? zoom < TOWN_BEFORE : level !== "cell" || zoom >= CELLS_FROM);

function meet(one, other) {
  return one.left < other.right + APART_PX && other.left < one.right + APART_PX
    && one.top < other.bottom + APART_PX && other.top < one.bottom + APART_PX;
}

function range(first, last, step) {
  return Array.from({ length: (last - first) / step + 1 }, (_, n) => first + n * step);
}
