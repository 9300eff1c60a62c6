// A Leaflet map with our own background: the deployer's tiles, or none; scale, north and credits.
// Everything outside this file and gcoord speaks WGS-84.

import { byId, make, tell } from "./dom.js";
import { say } from "./words.js";

const { L } = window;
const CLOSEST = 19;
const PLAIN_LOW = 8;
export const CELLS_FROM = 15; // closer than this, cells have names

/** `start`, {place: [lat, lon], zoom}, goes before the whole view. → {map, shift}: `shift.there([lat, lon])` is where to draw, `shift.back(latlng)` what lies there. */
export async function openMap(element, config, start = null) {
  const { tiles, view } = config;
  const shift = await shiftOf(tiles);
  const low = tiles.url ? Number(tiles.low) : PLAIN_LOW;
  const map = L.map(element, { attributionControl: false, zoomControl: false, minZoom: low, maxZoom: CLOSEST, worldCopyJump: false });
  L.control.zoom({ zoomInTitle: say("map_in"), zoomOutTitle: say("map_out") }).addTo(map);
  L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
  for (const [name, above] of [["town", 340], ["areas", 350], ["names", 590]]) Object.assign(map.createPane(name).style, { zIndex: above, pointerEvents: "none" });
  addTiles(map, element, tiles);
  map.on("zoomend", () => zoomed(map, element));
  const [west, south, east, north] = view;
  if (start) map.setView(shift.there(start.place), start.zoom, { animate: false });
  else map.fitBounds([shift.there([south, west]), shift.there([north, east])], { padding: [24, 24], maxZoom: 16, animate: false });
  zoomed(map, element);
  return { map, shift };
}

/** A GeoJSON geometry as a shape that takes no clicks. */
export function polygon(shift, { type, coordinates }, look, pane = "areas") {
  const polygons = type === "Polygon" ? [coordinates] : coordinates;
  const drawn = polygons.map((rings) => rings.map((ring) => ring.map(([lon, lat]) => shift.there([lat, lon]))));
  return L.polygon(drawn, { pane, interactive: false, className: look });
}

function zoomed(map, element) {
  element.dataset.zoom = map.getZoom();
}

function addTiles(map, element, tiles) {
  if (!tiles.url) return;
  element.dataset.tiles = "yes";
  // a key that is bound to this site's address wants to see it, and no more than it
  const options = { subdomains: tiles.parts || "a", minZoom: Number(tiles.low), maxNativeZoom: Number(tiles.high),
    maxZoom: CLOSEST, referrerPolicy: "strict-origin-when-cross-origin" };
  for (const url of [tiles.url, tiles.labels].filter(Boolean)) {
    L.tileLayer(url, options).on("tileerror", () => tell(byId("failed"), say("map_no_tiles"))).addTo(map);
  }
  const credits = byId("map-credits");
  credits.textContent = [tiles.attribution, tiles.approval && say("map_approval", { n: tiles.approval })].filter(Boolean).join(" · ");
  credits.hidden = false;
}

/** Tiles in GCJ-02 need everything drawn where they have it. */
async function shiftOf({ url, shift }) {
  if (!url || shift !== "gcj02") return { there: (place) => place, back: ({ lat, lng }) => [lat, lng] };
  const { default: gcoord } = await import("../vendor/gcoord-1.0.7.js");
  const { WGS84, GCJ02, transform } = gcoord;
  const turned = ([lat, lon], from, to) => transform([lon, lat], from, to).reverse();
  return { there: (place) => turned(place, WGS84, GCJ02), back: ({ lat, lng }) => turned([lat, lng], GCJ02, WGS84) };
}
