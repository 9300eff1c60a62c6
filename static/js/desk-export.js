// How far an export is. The browser itself takes the file; this asks the server how many rows are written.

import { say } from "./words.js";

const EVERY_MS = 1000;
const NOTHING_YET = 30; // looks without a sign of a new one: it was refused, or the browser asks where to put it

const form = document.getElementById("export");
const box = document.getElementById("export-progress");
const bar = document.getElementById("export-bar");
const said = document.getElementById("export-said");
let watching = false;

form.addEventListener("submit", async () => {
  const before = await state();
  setTimeout(() => able(false), 0); // after the form has gone its way
  watch(before?.state === "running" ? null : before?.id ?? null, NOTHING_YET);
});

if ("running" in box.dataset) {
  able(false);
  watch(null, 0);
}

async function watch(before, patience) {
  if (watching) return;
  watching = true;
  let [left, going] = [patience, true];
  while (going) {
    const now = await state();
    const fresh = now && now.state !== "none" && now.id !== before;
    if (fresh) show(now);
    going = fresh ? now.state === "running" : left-- > 0;
    if (going) await new Promise((go) => setTimeout(go, EVERY_MS));
  }
  watching = false;
  able(true);
}

async function state() {
  try {
    const answer = await fetch("/desk/export/progress", { cache: "no-store", redirect: "error" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function show({ state, rows, total }) {
  box.hidden = false;
  const [written, whole] = [rows, total].map((number) => (number ?? 0).toLocaleString("en"));
  if (state === "done") [bar.max, bar.value] = [1, 1];
  else if (total) [bar.max, bar.value] = [total, Math.min(rows, total)];
  else bar.removeAttribute("value");
  const key = { done: "export_done", broken: "export_broken" }[state] ?? (total ? "export_of" : "export_rows");
  said.textContent = say(key, { rows: written, total: whole });
}

function able(yes) {
  for (const button of form.querySelectorAll("button")) button.disabled = !yes;
}
