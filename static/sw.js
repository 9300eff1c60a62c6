// The service worker. The server puts RELEASE, SHELL and the outbox in front. It never touches a request that is not GET.

const CACHE = `fieldapp-${RELEASE}`;
const KEPT = new Set(SHELL);
const PAGES = SHELL.filter((path) => !path.startsWith("/static/"));
const OLD_CACHES = 2; // open tabs of a release that is over still load its rarer parts

self.addEventListener("install", (event) => event.waitUntil(keep(SHELL)));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const answer = answerFor(event.request);
  if (answer) event.respondWith(answer());
});
self.addEventListener("message", (event) => {
  if (event.data?.type === "skip-waiting") self.skipWaiting();
  if (event.data?.type === "refresh-shell") event.waitUntil(refreshShell(event.source));
});
self.addEventListener("sync", (event) => event.waitUntil(sendWhatWaits()));
self.addEventListener("push", (event) => event.waitUntil(onPush(event)));
self.addEventListener("notificationclick", (event) => event.waitUntil(onClick(event)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(onNewSubscription(event)));

/** All of it or nothing: what is kept stays whole when one file cannot be had. */
async function keep(paths) {
  const found = await Promise.all(paths.map(load));
  const cache = await caches.open(CACHE);
  await Promise.all(found.map((response, at) => cache.put(paths[at], response)));
}

/** A file of this very release; while another is being rolled out the server may answer with that one's. */
async function load(path) {
  const isFile = path.startsWith("/static/");
  // a static address names its content, so what the page has just loaded need not come twice
  const response = await fetch(path, { cache: isFile ? "default" : "reload", credentials: "same-origin" });
  const ours = isFile ? /immutable/.test(response.headers.get("Cache-Control"))
    : (await response.clone().text()).includes(`/static/${RELEASE}/`);
  if (!response.ok || response.redirected || !ours) throw new Error(`cannot keep ${path}: ${response.status}`);
  return response;
}

async function takeOver() {
  const others = (await caches.keys()).filter((name) => name.startsWith("fieldapp-") && name !== CACHE);
  await Promise.all(others.slice(0, -OLD_CACHES).map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** How to answer, or null to leave the request to the browser. */
function answerFor(request) {
  const { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return null;
  if (pathname.startsWith("/static/")) return async () => (await caches.match(pathname)) ?? fetch(request);
  if (KEPT.has(pathname)) return () => fromCache(pathname, request);
  return request.mode === "navigate" ? () => fromNetwork(request) : null;
}

async function fromCache(path, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(path)) ?? fetch(request);
}

async function fromNetwork(request) {
  try {
    return await fetch(request);
  } catch {
    const cache = await caches.open(CACHE);
    return (await cache.match("/offline")) ?? Response.error();
  }
}

async function refreshShell(asker) {
  const type = await keep(PAGES).then(() => "shell-refreshed", () => "shell-newer");
  asker?.postMessage({ type });
}

/** The network is back. A worker with the outbox in it sends by itself, and asks to be woken again while something
 * still waits; one without can only tell the pages that are open. */
async function sendWhatWaits() {
  if (!drain) {
    await tellPages({ type: "drain" });
    return;
  }
  await drain("eager");
  if ((await waiting()) > 0) throw new Error("not everything could be sent");
}

// Push: something is always shown, even when the message cannot be read; browsers punish silence.

async function onPush(event) {
  const notice = readPush(event);
  await self.registration.showNotification(notice.title, notice);
  await Promise.all([receipt(notice.data, "shown"), tellPages({ type: "push" })]);
}

function readPush(event) {
  const plain = { title: "随手报", body: "有新消息,请打开看看", navigate: "/", data: {} };
  try {
    const { notification } = event.data.json();
    return asOptions({ ...plain, ...notification, data: notification.data ?? {} });
  } catch {
    return asOptions(plain);
  }
}

function asOptions({ title, body, navigate, tag, lang, requireInteraction, data }) {
  return {
    title: String(title), body: String(body ?? ""), tag, lang: lang || "zh-CN", requireInteraction: requireInteraction === true,
    renotify: Boolean(tag), icon: SHELL.find((path) => path.endsWith("/icons/icon-192.png")), data: { ...data, navigate },
  };
}

async function onClick(event) {
  event.notification.close();
  const data = event.notification.data ?? {};
  await Promise.all([receipt(data, "opened"), show(data.navigate)]);
}

/** Only ever a page of our own, whatever the message says; and never in the place of a report that is being written. */
async function show(path) {
  const target = new URL(path || "/", self.location.origin);
  const address = target.origin === self.location.origin ? target.href : new URL("/", self.location.origin).href;
  const pages = (await self.clients.matchAll({ type: "window" })).filter(({ url }) => new URL(url).pathname !== "/report");
  const page = pages.find(({ url }) => url === address) ?? pages[0];
  try {
    const shown = page.url === address ? page : await page.navigate(address);
    await (shown ?? page).focus();
  } catch { // no page open, or one we may not steer
    await self.clients.openWindow(address);
  }
}

/** Tell the server what became of a push; the token in it is the proof. A lost receipt is not worth an error. */
async function receipt({ delivery, token } = {}, state) {
  if (!delivery || !token) return;
  await post(`/api/deliveries/${encodeURIComponent(delivery)}/receipts`, { state, token }).catch(() => {});
}

async function onNewSubscription(event) {
  const old = event.oldSubscription?.options;
  const fresh = event.newSubscription ?? (old && await self.registration.pushManager.subscribe(old));
  if (fresh) await post("/api/push/subscriptions", fresh.toJSON());
}

function post(path, data) {
  return fetch(path, {
    method: "POST", keepalive: true, credentials: "same-origin", redirect: "error", body: JSON.stringify(data),
    headers: { "Content-Type": "application/json", "X-Requested-With": "fieldapp" },
  });
}

async function tellPages(message) {
  for (const page of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) page.postMessage(message);
}
