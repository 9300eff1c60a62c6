// The three steps a reporter sees, from the state of queue and case. Pure.

const IN_HAND = ["accepted", "dispatched", "acknowledged", "en_route", "on_scene", "answered", "verified"];

/** [{key, state: "done"|"now"|"next"}] for 已收到, 谁在办, 办好了; a refusal ends it after the first. */
export function stepsOf(queued, sent) {
  const received = Boolean(sent) || Boolean(queued?.receipt);
  const status = sent?.status ?? "new";
  if (!received) return steps("now", "next", "next");
  if (status === "closed") return steps("done", "done", "done");
  if (status === "declined") return [{ key: "received", state: "done" }, { key: "declined", state: "next" }];
  return IN_HAND.includes(status) ? steps("done", "now", "next") : steps("done", "next", "next");
}

function steps(received, handled, done) {
  return [{ key: "received", state: received }, { key: "handled", state: handled }, { key: "done", state: done }];
}
