// All my reports.

import { byId, fill } from "./dom.js";
import { gather, refreshHistory } from "./history.js";
import { lines } from "./list.js";
import { start } from "./start.js";

let asked = false;

async function show() {
  const { items } = await gather();
  fill(byId("list"), ...lines(items));
  byId("loading").hidden = items.length > 0 || asked;
  byId("empty").hidden = items.length > 0 || !asked;
}

async function fresh() {
  await refreshHistory();
  asked = true;
}

start({ show, fresh });
