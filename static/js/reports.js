// All my reports.

import { byId } from "./dom.js";
import { gather, refreshHistory } from "./history.js";
import { drawLines } from "./list.js";
import { start } from "./start.js";

let asked = false;

async function show() {
  const { items } = await gather();
  drawLines(byId("list"), items);
  byId("loading").hidden = items.length > 0 || asked;
  byId("empty").hidden = items.length > 0 || !asked;
}

async function fresh() {
  await refreshHistory();
  asked = true;
}

start({ show, fresh });
