// The steps a reporter sees, from the state of queue and case. Pure.

const IN_HAND = ["accepted", "dispatched", "acknowledged", "en_route", "on_scene", "answered", "verified"];

/** [{key, state: "done"|"now"|"next", icon}] for 已收到, 谁在办, 办好了; the key names the sentence. What is only on this
 * phone is not received yet; a refusal ends it after the first. */
export function stepsOf(queued, sent) {
  const status = sent?.status ?? "new";
  if (!sent && !queued?.receipt) return steps(["on_phone", "now"], ["received", "next"], ["handled", "next"], ["done", "next"]);
  if (status === "declined") return steps(["received", "done"], ["declined", "now", "close"]);
  if (status === "closed") return steps(["received", "done"], ["handled", "done"], ["done", "done"]);
  return steps(["received", "done"], ["handled", IN_HAND.includes(status) ? "now" : "next"], ["done", "next"]);
}

function steps(...all) {
  const iconFor = (state) => (state === "done" ? "check" : "clock");
  return all.map(([name, state, icon = iconFor(state)]) => ({ key: `${name}_${state}`, state, icon }));
}
