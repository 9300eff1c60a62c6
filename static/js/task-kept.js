// Pages of tasks open without a network, as they were when they were last seen, and say so (static/sw.js keeps them).

import * as api from "./api.js";
import { byId, tell } from "./dom.js";
import { when } from "./states.js";
import { say } from "./words.js";

const MOST = 12;
const RENEW_MS = 3_000;
const KEPT = "<body data-kept";

/** A page from the phone's own store says of when it is. As soon as there is a way, what the server says of it now takes
 * its place; not while somebody is writing into it. */
export function sayHowOld(isBusy, shown) {
  if (!("kept" in document.body.dataset)) return;
  tell(byId("kept"), say("page_kept", { time: when(document.querySelector("[data-seen]").dataset.seen) }));
  const later = () => setTimeout(renew, RENEW_MS);
  const renew = async () => {
    const fresh = api.reached && !isWriting(isBusy) && (await freshPage());
    if (!fresh || isWriting(isBusy)) return later();
    document.querySelector("[data-seen]").replaceWith(fresh);
    globalThis.htmx?.process(fresh);
    delete document.body.dataset.kept;
    tell(byId("kept"), "");
    return shown();
  };
  later();
}

const isWriting = (isBusy) => isBusy() || [...document.querySelectorAll("textarea")].some(({ value }) => value.trim());

/** The part of this page that changes, from the server and not from what is kept; or null. */
async function freshPage() {
  const response = await fetch(location.pathname).catch(() => null);
  if (!response?.ok || response.redirected) return null;
  const text = await response.text();
  return text.includes(KEPT) ? null : new DOMParser().parseFromString(text, "text/html").querySelector("[data-seen]");
}

/** The pages of all tasks of the list, their small pictures and this page's own scripts: they may be opened where there
 * is no network. What is no longer on the list goes. */
export async function keepForLater() {
  if (!navigator.serviceWorker?.controller || "kept" in document.body.dataset) return;
  const links = [...document.querySelectorAll("a.task-line")].slice(0, MOST);
  await dropOthers(links.map(({ pathname }) => pathname));
  const own = performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.includes("/static/"));
  try {
    await Promise.all(own.map((name) => fetch(name)));
    for (const { href } of links) await keepPage(href);
  } catch { /* the line is down: what was kept before stays */ }
}

async function keepPage(href) {
  const page = new DOMParser().parseFromString(await (await fetch(href)).text(), "text/html");
  await Promise.all([...page.querySelectorAll(".photos img")].map((image) => fetch(image.getAttribute("src"))));
}

async function dropOthers(paths) {
  if (location.pathname !== "/tasks") return;
  const kept = await caches.open("tasks");
  for (const { url } of await kept.keys()) {
    const { pathname } = new URL(url);
    if (pathname.startsWith("/tasks/") && !paths.includes(pathname)) await kept.delete(pathname);
  }
}
