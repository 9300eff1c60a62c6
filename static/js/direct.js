// Nothing can be kept on this phone (no IndexedDB, private mode): the form goes as it is, over the network, and says so.

import * as api from "./api.js";
import { severityChoice } from "./choices.js";
import { byId, make } from "./dom.js";
import { asPosition, placeBox } from "./place.js";
import { say } from "./words.js";

/** Turn the report page into a plain form; returns what sends it. `complain(text, way)` says what is wrong. */
export function direct(complain) {
  const form = byId("form");
  complain("");
  const place = make("input", { type: "hidden", name: "position" });
  const told = { severity: "blue", fix: null, settled: false };
  const changed = () => { place.value = told.fix ? JSON.stringify({ ...asPosition(told.fix), age_s: null }) : ""; };
  document.head.append(make("link", { rel: "stylesheet", href: form.dataset.plain }));
  form.classList.add("direct");
  form.prepend(make("p", { class: "notice notice-bad", role: "alert", text: say("direct") }), place);
  byId("send").querySelector(".working").textContent = say("direct_sending");
  byId("to_login").target = "_blank"; // what is written here is nowhere else
  severityChoice(told, { changed });
  placeBox(told, { changed });
  addEventListener("pageshow", () => busy(false));
  return () => send(form, complain);
}

/** Only when our server answers: a browser's own error page would take everything with it. */
async function send(form, complain) {
  const photos = [...form.querySelectorAll("input[type=file]")].some(({ files }) => files.length);
  if (!photos && !byId("text").value.trim()) return complain(say("nothing_yet"));
  busy(true);
  const outcome = await api.call("GET", "/api/me");
  if (api.ok(outcome)) return form.submit();
  busy(false);
  const login = outcome.problem && outcome.status === 401;
  return complain(say(login ? "direct_login" : "direct_offline"), login ? "to_login" : null);
}

function busy(is) {
  if (is) byId("send").setAttribute("aria-busy", "true");
  else byId("send").removeAttribute("aria-busy");
}
