// The desk's map: what lies in view, as marks and as a list, kept right by the pulse. The filter stands in the address.

import { byId, tell } from "./dom.js";
import { startCountdown, tick } from "./countdown.js";
import { openMap } from "./desk-map-base.js";
import { Pins } from "./desk-map-pins.js";
import { drawPlaces } from "./desk-map-places.js";
import { markFresh, newestIs } from "./desk-fresh.js";
import { startPulse } from "./desk-pulse.js";
import { failed } from "./desk-state.js";

const SETTLED_MS = 150;
const TIMEOUT_MS = 10_000;
const [CASE_ZOOM, CASE_ZOOM_PLAIN] = [17, 15]; // without tiles, what lies around is villages
const FIELDS = ["lane", "severity", "area", "q"];
const config = JSON.parse(byId("map-config").textContent);
let wait = null;
let going = null; // the request for what is in view now
let mark = null; // the pulse's, when the map was last filled
let fitNames = () => {}; // until there are any
let pending = config.case?.number ?? null; // opens once it is drawn

const { map, shift } = await openMap(byId("map"), config, begun());
const pins = new Pins(map, shift, () => queryOf(filter()));

/** The filter as the address has it, without what only the map needs. */
function filter() {
  const query = new URLSearchParams(location.search);
  for (const name of ["case", "bbox", "zoom"]) query.delete(name);
  return query;
}

const queryOf = (query) => (query.size ? `?${query}` : "");

/** west, south, east, north of what is in view; a frame drawn askew by the shift is taken whole. */
function bbox() {
  const bounds = map.getBounds();
  const corners = [bounds.getSouthWest(), bounds.getNorthEast()].map(shift.back);
  return [corners[0][1], corners[0][0], corners[1][1], corners[1][0]].map((edge) => edge.toFixed(6)).join();
}

async function load() {
  going?.abort();
  const mine = (going = new AbortController());
  const query = filter();
  query.set("bbox", bbox());
  query.set("zoom", map.getZoom());
  const signal = AbortSignal.any([mine.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const answer = await fetch(`/desk/map/box?${query}`, { signal, cache: "no-store", redirect: "manual" });
    if (!answer.ok) return failed(answer.status, true);
    const found = await answer.json();
    pins.show(found);
    fitNames();
    query.set("total", found.total);
    await htmx.ajax("GET", `/desk/map/list?${query}`, { target: "#map-list", swap: "innerMorph" });
    byId("map-list").dataset.filled = String(Number(byId("map-list").dataset.filled ?? 0) + 1);
    tick();
    markFresh();
    openPending(found);
  } catch (error) {
    if (error.name !== "AbortError" || !mine.signal.aborted) failed(0, true);
  }
}

function soon() {
  clearTimeout(wait);
  wait = setTimeout(load, SETTLED_MS);
}

/** The case that the address names stands ringed, with its card open. */
function openPending({ points }) {
  const point = points.find(({ number }) => number === pending);
  if (point) {
    pins.mark([point.lat, point.lon]);
    pins.tell(shift.there([point.lat, point.lon]), [point]);
  }
  pending = null;
}

/** Where one was, kept behind the address's # so that a reload and a link show the same. */
function remember() {
  const [lat, lon] = shift.back(map.getCenter());
  history.replaceState(null, "", `${location.pathname}${location.search}#${map.getZoom()}/${lat.toFixed(5)}/${lon.toFixed(5)}`);
}

/** The case that the address names, else where one was, else null for the whole town. */
function begun() {
  const [, zoom, lat, lon] = location.hash.match(/^#(\d+)\/(-?[\d.]+)\/(-?[\d.]+)$/) ?? [];
  if (config.case) return { place: [config.case.lat, config.case.lon], zoom: config.tiles.url ? CASE_ZOOM : CASE_ZOOM_PLAIN };
  return zoom ? { place: [Number(lat), Number(lon)], zoom: Number(zoom) } : null;
}

function filtered(event) {
  event.preventDefault();
  const query = filter();
  const typed = new FormData(byId("map-filter"));
  for (const name of FIELDS) {
    if (typed.get(name)) query.set(name, typed.get(name));
    else query.delete(name);
  }
  history.replaceState(null, "", `${location.pathname}${queryOf(query)}${location.hash}`);
  map.closePopup();
  load();
}

const rowOf = ({ target }) => target.closest?.(".queue-row[data-lat]");

function ring(event) {
  const row = rowOf(event);
  pins.mark(row ? [Number(row.dataset.lat), Number(row.dataset.lon)] : null);
}

function beat(body) {
  newestIs(body.newest);
  if (mark !== null && body.mark !== mark) soon();
  mark = body.mark;
}

async function showPlaces() {
  const answer = await fetch("/desk/map/places", { cache: "no-store", redirect: "manual" });
  if (!answer.ok) return;
  const { places } = await answer.json();
  const { unknown, fit } = drawPlaces(map, shift, config.town, places);
  fitNames = fit;
  byId("no-places").hidden = !unknown.length;
  byId("no-places").open = unknown.length === places.length; // an empty map says why it is empty
  byId("no-places").querySelector("p").textContent = unknown.join(" · ");
}

map.on("moveend", () => { remember(); soon(); });
new ResizeObserver(() => map.invalidateSize()).observe(byId("map"));
byId("map-filter").addEventListener("submit", filtered);
byId("map-filter").addEventListener("change", filtered);
for (const kind of ["focusin", "pointerover"]) byId("map-list").addEventListener(kind, ring);
for (const kind of ["focusout", "pointerleave"]) byId("map-list").addEventListener(kind, () => pins.mark(null));
document.addEventListener("htmx:before:request", () => tell(byId("failed"), ""));
startCountdown();
startPulse({ caseNumber: () => null, beat, found: () => {}, lost: () => {} }); // the bar's watch says when it is lost
await Promise.all([showPlaces(), load()]);
