// Pages of tasks open without a network, as they were when they were last seen, and say so (static/sw.js keeps them).

import * as api from "./api.js";
import { byId, tell } from "./dom.js";
import { when } from "./states.js";
import { say } from "./words.js";

const MOST = 12;
const RENEW_MS = 3_000;

/** A page from the phone's own store says of when it is, and makes way for the real one as soon as there is a way. */
export function sayHowOld(busy) {
  if (!("kept" in document.body.dataset)) return;
  const seen = document.querySelector("[data-seen]").dataset.seen;
  tell(byId("kept"), say("page_kept", { time: when(seen) }));
  const renew = () => { if (api.reached && !busy()) location.reload(); };
  setInterval(renew, RENEW_MS);
}

/** The pages of all tasks of the list, and their small pictures: they may be opened where there is no network. */
export async function keepForLater() {
  if (!navigator.serviceWorker?.controller || "kept" in document.body.dataset) return;
  const links = [...document.querySelectorAll("a.task-line")].slice(0, MOST);
  for (const { href } of links) {
    try {
      const page = new DOMParser().parseFromString(await (await fetch(href)).text(), "text/html");
      await Promise.all([...page.querySelectorAll(".photos img")].map((image) => fetch(image.getAttribute("src"))));
    } catch {
      return; // the line is down: what was kept before stays
    }
  }
}
