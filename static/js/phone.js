// 这台手机: does everything work here that a report needs? Each card tests for real and says what to do.

import * as account from "./account.js";
import { copy } from "./copy.js";
import { byId } from "./dom.js";
import * as inst from "./install.js";
import { Card } from "./phone-card.js";
import * as checks from "./phone-checks.js";
import { selfName } from "./phone-device.js";
import { reminders } from "./phone-push.js";
import * as senses from "./phone-senses.js";
import { say } from "./words.js";
import * as push from "./push.js";
import { start } from "./start.js";

const [install, storage, reminder, place, camera, microphone, clock, network] = [
  checks.install, checks.storage, reminders, senses.place, senses.camera, senses.microphone, checks.clock, checks.network,
].map((check) => new Card(check));
const cards = [install, storage, reminder, place, camera, microphone, clock, network];

/** Everything that asks the person for nothing: what was allowed before is tried as well. */
async function testAll() {
  const allowed = {
    push: (await push.state()) === "on",
    place: (await senses.permission("geolocation")) === "granted",
    microphone: (await senses.permission("microphone")) === "granted",
  };
  const silent = [
    network, install, storage, allowed.push && reminder, allowed.place && place, allowed.microphone && microphone,
  ].filter(Boolean);
  await Promise.all(silent.map((card) => card.run()));
  await clock.run(); // by the answer that has just come
}

/** What a helper at the desk would ask for. */
async function about() {
  const me = await account.known();
  const who = me ? [me.name, me.username].filter(Boolean).join(" ") : say("nobody");
  byId("reminders").hidden = byId("reminders").dataset.notFor.split(" ").includes(me?.role);
  byId("about").textContent = [who, selfName(), checks.release(), `${screen.width}×${screen.height}`].join(" · ");
}

async function offerInstall() {
  if (await inst.install()) install.show({ state: "fine", says: [say("install_done")] });
  else await install.refresh();
}

/** The button says that it works, and cannot be pressed twice meanwhile. */
const busy = (button, work) => button.addEventListener("click", async () => {
  button.disabled = true;
  await work().catch((error) => console.warn("phone", error));
  button.disabled = false;
});

busy(byId("test-all"), testAll);
busy(byId("install-go"), offerInstall);
busy(byId("keep-go"), () => checks.keep(storage));
busy(byId("update-go"), () => checks.checkUpdate(network));
busy(byId("copy-about"), async () => {
  byId("copied").textContent = say((await copy(byId("about").textContent)) ? "copied" : "not_copied");
});
byId("camera-try").addEventListener("change", ({ target }) => senses.tryCamera(camera, target));
addEventListener("installable", () => install.refresh());
addEventListener("appinstalled", () => install.show({ state: "fine", says: [say("install_done")] }));
start({ show: about, met: () => clock.refresh() });
for (const card of cards) card.refresh();
