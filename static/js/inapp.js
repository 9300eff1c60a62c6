// Inside WeChat and other apps a page has no memory to rely on: say so, and how to get out. In a browser it says nothing.

import { copy } from "./copy.js";

const PAGES = ["/", "/report"];
const inWeChat = "WeixinJSBridge" in globalThis || /MicroMessenger/.test(navigator.userAgent);

/** What this place lacks, by what it can do and not by its name. */
const lacks = { worker: !navigator.serviceWorker, memory: inWeChat || !navigator.serviceWorker || !navigator.storage?.persist };

/** The words stand in the invitation's page; a page of the app, which few open here, fetches them. */
async function hint() {
  const here = document.getElementById("inapp");
  if (here || !PAGES.includes(location.pathname)) return here;
  const response = await fetch("/inapp", { headers: { "X-Requested-With": "fieldapp" } });
  const box = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("inapp");
  if (box) document.querySelector("main > .stack").prepend(box);
  return box;
}

async function tellWayOut() {
  const box = await hint();
  if (!box) return;
  const wanted = { ...lacks, wechat: inWeChat, other: !inWeChat };
  for (const part of box.querySelectorAll("[data-when]")) part.hidden = !wanted[part.dataset.when];
  box.hidden = false;
  const button = box.querySelector("button");
  button.addEventListener("click", async () => {
    const link = new URL(box.dataset.link ?? location.href, location.origin).href;
    if (await copy(link)) button.textContent = button.dataset.done;
  });
}

if (lacks.worker || lacks.memory) tellWayOut().catch((error) => console.warn("inapp", error));
