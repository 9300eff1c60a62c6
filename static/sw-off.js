// What /sw.js becomes when the operator switches the service worker off (FIELDAPP_SERVICE_WORKER=off): the one that is
// installed takes itself and its caches away. Reports that wait are in the database of the phone, which stays.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(leave()));

async function leave() {
  const ours = (await caches.keys()).filter((name) => name.startsWith("fieldapp-") || name === "tasks");
  await Promise.all(ours.map((name) => caches.delete(name)));
  await self.registration.unregister();
}
