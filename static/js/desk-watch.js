// On officers' pages beside the desk: hears every few seconds whether the workers live, and says it when they do not.

import { found, lost, trouble, worker } from "./desk-state.js";

const EVERY_MS = 4000;
const TIMEOUT_MS = 3500;
const MOST_MISSED = 2; // one that is cut off by leaving the page is no news
let missed = 0;

async function ask() {
  if (document.hidden) return;
  try {
    const response = await fetch("/desk/heartbeat", {
      cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) return miss(response.type === "opaqueredirect" || response.status === 401 ? "login" : "server");
    const body = await response.json();
    missed = 0;
    found();
    worker(body.worker_age_s);
    trouble(body.trouble);
  } catch {
    miss("network");
  }
}

function miss(why) {
  missed += 1;
  if (missed >= MOST_MISSED || why === "login") lost(why);
}

setInterval(ask, EVERY_MS);
document.addEventListener("visibilitychange", ask);
ask();
