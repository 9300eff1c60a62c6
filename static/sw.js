// The service worker. The server puts RELEASE, PAGES, FILES (name -> start of its SHA-256) and the outbox in front.
// It never touches a request that is not GET.

const CACHE = `fieldapp-${RELEASE}`;
const STATIC = `/static/${RELEASE}/`;
const TASKS = "tasks"; // pages of tasks with their pictures, as last seen: gone with the session
const TASK_PAGE = /^\/tasks(\/[^/]+)?$/;
const SMALL_PICTURE = /^\/photos\/[^/]+\/thumb$/;
const PERSON_CHANGES = /^\/(login|logout|invite|devices\/revocation)(\/|$)/;
const PATIENCE_MS = 4_000; // then a page that was seen before is better than none
const MANIFEST = "/files.json"; // what a cache holds, by content
let person = 0; // counts who was at this phone, as far as this worker has seen
const OLD_CACHES = 2; // open tabs of a release that is over still load its rarer parts

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "POST" && PERSON_CHANGES.test(new URL(url).pathname)) event.waitUntil(forget());
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

/** All of it or nothing: what is kept stays whole when one thing cannot be had. */
async function install() {
  const before = await heldBefore();
  const files = Object.entries(FILES).map(async ([name, hash]) => [STATIC + name, await before(hash) ?? await loadFile(name, hash)]);
  const found = await Promise.all([...PAGES.map(async (path) => [path, await loadPage(path)]), ...files]);
  const there = await caches.has(CACHE);
  try {
    await keepAll(found);
  } catch (error) {
    if (!there) await caches.delete(CACHE); // a full phone must not be left fuller by each try
    throw error;
  }
}

async function keepAll(found) {
  const cache = await caches.open(CACHE);
  await Promise.all(found.map(([path, response]) => cache.put(path, response)));
  const paths = Object.fromEntries(Object.entries(FILES).map(([name, hash]) => [hash, STATIC + name]));
  await cache.put(MANIFEST, new Response(JSON.stringify(paths)));
}

/** What earlier releases left here, by content: a new release loads only what is new in it. */
async function heldBefore() {
  const names = (await caches.keys()).filter((name) => name.startsWith("fieldapp-"));
  const held = await Promise.all(names.map(async (name) => {
    const cache = await caches.open(name);
    return [cache, await (await cache.match(MANIFEST))?.json()];
  }));
  return async (hash) => {
    const found = held.find(([, paths]) => paths?.[hash]);
    return found && found[0].match(found[1][hash]);
  };
}

/** A file with exactly these bytes; while another release is being rolled out the server may answer with that one's. */
async function loadFile(name, hash) {
  // a static address names its content, so what the page has just loaded need not come twice
  const response = await fetch(STATIC + name, { credentials: "same-origin" });
  const digest = await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer());
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (!response.ok || !hex.startsWith(hash)) throw new Error(`cannot keep ${name}: ${response.status}`);
  return response;
}

/** A page of this very release. */
async function loadPage(path) {
  const response = await fetch(path, { cache: "reload", credentials: "same-origin" });
  const ours = (await response.clone().text()).includes(STATIC);
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
  if (pathname.startsWith("/static/")) return () => file(pathname, request);
  if (PAGES.includes(pathname)) return () => fromCache(pathname, request);
  if (TASK_PAGE.test(pathname) && !request.headers.has("HX-Request")) return () => lastSeen(pathname, request);
  if (SMALL_PICTURE.test(pathname) && TASK_PAGE.test(new URL(request.referrer || origin).pathname)) return () => lastSeen(pathname, request);
  return request.mode === "navigate" ? () => fromNetwork(request) : null;
}

/** A static file; those of officers are kept when they are first used. */
async function file(path, request) {
  const kept = await caches.match(path);
  if (kept) return kept;
  const fresh = await fetch(request);
  if (fresh.ok && path.startsWith(STATIC)) await put(CACHE, path, fresh);
  return fresh;
}

/** Keep a copy; a full phone keeps none, and has its answer all the same. */
async function put(name, path, response) {
  const copy = response.clone();
  await caches.open(name).then((cache) => cache.put(path, copy)).catch(() => {});
}

async function fromCache(path, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(path)) ?? fetch(request);
}

async function fromNetwork(request) {
  try {
    return await fetch(request);
  } catch {
    return offline();
  }
}

const offline = async () => (await (await caches.open(CACHE)).match("/offline")) ?? Response.error();

/** From the server, else (no network, no patience, a server in trouble) as it was last seen, marked as such. */
async function lastSeen(path, request) {
  const before = await (await caches.open(TASKS)).match(path, { ignoreVary: true });
  const now = person;
  const asked = fetch(request).then((fresh) => keepSeen(path, fresh, now));
  if (!before) return asked.catch(() => (request.mode === "navigate" ? offline() : Response.error()));
  const good = asked.then((fresh) => (fresh.status < 500 ? fresh : Promise.reject(fresh)));
  good.catch(() => {});
  const late = new Promise((_, fail) => { setTimeout(fail, PATIENCE_MS); });
  return Promise.race([good, late]).catch(() => asSeenBefore(before));
}

/** Keep a page or picture for later, unless the person at this phone has changed meanwhile; where the server leads
 * elsewhere nobody is logged in, and nothing stays. */
async function keepSeen(path, fresh, asker) {
  const elsewhere = fresh.redirected ? new URL(fresh.url).pathname === "/login" : fresh.type === "opaqueredirect";
  if (elsewhere) await forget();
  else if (fresh.status === 404) await (await caches.open(TASKS)).delete(path);
  else if (fresh.ok && !fresh.redirected && asker === person) await put(TASKS, path, fresh);
  return fresh;
}

function forget() {
  person += 1;
  return caches.delete(TASKS);
}

async function asSeenBefore(kept) {
  if (!kept.headers.get("Content-Type").startsWith("text/html")) return kept;
  return new Response((await kept.text()).replace("<body", "<body data-kept"), { headers: kept.headers });
}

async function refreshShell(asker) {
  const type = await keepPages().then(() => "shell-refreshed", () => "shell-newer");
  asker?.postMessage({ type });
}

async function keepPages() {
  const found = await Promise.all(PAGES.map(loadPage));
  const cache = await caches.open(CACHE);
  await Promise.all(found.map((response, at) => cache.put(PAGES[at], response)));
}

/** The network is back. A worker with the outbox in it sends by itself, and asks to be woken again while something
 * still waits; one without can only tell the pages that are open. */
async function sendWhatWaits() {
  if (!drain) {
    await tellPages({ type: "drain" });
    return;
  }
  await drain("eager");
  if ((await counts()).waiting > 0) throw new Error("not everything could be sent");
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
    renotify: Boolean(tag), icon: `${STATIC}icons/icon-192.png`, data: { ...data, navigate },
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
