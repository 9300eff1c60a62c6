// How far a ledger is that is being taken in; at its end the page shows what became of it.

import { say } from "./words.js";

const EVERY_MS = 1000;
const said = document.getElementById("ledger-said");
const bar = document.getElementById("ledger-bar");

if (said.dataset.state === "running") look();

async function look() {
  const now = await progress();
  if (now?.state === "done") return location.reload();
  if (now) {
    [bar.max, bar.value] = [now.total, now.done];
    said.textContent = say("ledger_rows", now);
  }
  setTimeout(look, EVERY_MS);
}

async function progress() {
  try {
    const answer = await fetch(`/desk/ledgers/${said.dataset.ledger}/progress`, { cache: "no-store", redirect: "error" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
