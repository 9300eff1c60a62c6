// What an answer means for a queued report. Pure: no DOM, no storage, no network, time and chance come in.

const FIRST_WAIT_S = 2;
const LONGEST_WAIT_S = 300;
const LONGEST_RETRY_AFTER_S = 3600;
const COUNT_DOUBLINGS = 10; // past the longest wait anyway; keeps the power finite

/** Queued just now, never tried. */
export const FRESH = { state: "saved", tries: 0, next_at: 0, why: null, receipt: null, help: null, refused: {}, dropped: [] };

/** Failures of the way to the server: another report will fare no better now, and a new network may change it at once. */
const LINE = ["network", "timeout", "not-json", "strange"];

export const isDeadLine = (why) => LINE.includes(why);

/** Seconds to wait after the `tries`-th failure in a row: doubling with jitter, at most five minutes. */
function backoff(tries, random, retryAfter = null) {
  const full = Math.min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** Math.min(tries, COUNT_DOUBLINGS));
  const wait = full * (0.5 + random / 2);
  return retryAfter === null ? wait : Math.max(wait, Math.min(retryAfter, LONGEST_RETRY_AFTER_S));
}

/** Read a Retry-After header (seconds or a date) as seconds from `now` (ms), or null. */
export function retryAfterSeconds(header, now) {
  if (!header) return null;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, (at - now) / 1000);
}

/** Judge an outcome of api.js for this report.
 * → {verdict: "receipt"|"retry"|"yield"|"login"|"help"|"other-user", why, receipt?, detail?, retryAfter?}
 * Only a problem document of our own server refuses; whatever stands in between can only make us ask again. */
export function judge(outcome, report, step = "report") {
  if (outcome.kind === "unreachable") return { verdict: outcome.why === "yield" ? "yield" : "retry", why: outcome.why };
  const { status, retryAfter, body, problem } = outcome;
  if (status === 200 || status === 201) return judgeReceipt(body, report);
  if (status === 413 && !problem) return { verdict: "help", why: "too_large" }; // a limit of a proxy: this never passes it
  if (status === 408 || status === 429 || status >= 500) return { verdict: "retry", why: `http_${status}`, retryAfter };
  return problem ? judgeRefusal(status, body, step) : { verdict: "retry", why: "strange", retryAfter };
}

function judgeReceipt(body, report) {
  return receiptMatches(body, report) ? { verdict: "receipt", why: null, receipt: body } : { verdict: "retry", why: "receipt" };
}

function judgeRefusal(status, body, step) {
  if (status === 401) return { verdict: "login", why: "login" };
  if (body.code === "hash_mismatch") return { verdict: "retry", why: "altered" };
  if (step === "file" && status === 404) return { verdict: "retry", why: "unknown" }; // it lost the text: that goes again
  if (body.errors?.owner) return { verdict: "other-user", why: "owner" };
  return { verdict: "help", why: "refused", detail: body.detail };
}

/** True when a receipt speaks of exactly this report, this content and these files. */
function receiptMatches(receipt, report) {
  return Boolean(receipt) && typeof receipt === "object" && receipt.id === report.id
    && receipt.content_hash === report.content_hash && typeof receipt.complete === "boolean"
    && listMatches(receipt.photos, report.body.photos) && listMatches(receipt.voices, report.body.voices)
    && receipt.complete === (missingFiles(receipt).length === 0);
}

/** True when the phone may let go of the bytes: every file is named as received, or a person gave it up. */
export function mayForget(receipt, report) {
  return receiptMatches(receipt, report) && missingFiles(receipt).every((id) => report.dropped?.includes(id));
}

function listMatches(list, manifest) {
  const { received, missing } = list ?? {};
  if (!Array.isArray(received) || !Array.isArray(missing)) return false;
  const named = [...received, ...missing].sort();
  const own = manifest.map((file) => file.id).sort();
  return named.length === own.length && named.every((id, place) => id === own[place]);
}

const missingFiles = (receipt) => [...receipt.photos.missing, ...receipt.voices.missing];

/** Ids of the files that still can go: asked for by the receipt, neither refused nor given up. */
export function filesToSend({ receipt, refused, dropped = [] }) {
  return receipt ? missingFiles(receipt).filter((id) => !refused[id] && !dropped.includes(id)) : [];
}

/** The queued report after a receipt that still asks for something. */
export const afterReceipt = (report, receipt) => rested({ ...report, receipt, tries: 0, next_at: 0, why: null });

/** The queued report after a failure: kept, with the time of the next try. A login or a yield is no failure. */
export function afterFailure(report, { verdict, why, retryAfter, detail }, now, random) {
  if (verdict === "yield" || verdict === "login") return rested(report);
  if (verdict === "help") return { ...report, state: "needs-help", why, help: { why, detail } };
  const wait = backoff(report.tries, random, retryAfter);
  const receipt = why === "unknown" ? null : report.receipt;
  return rested({ ...report, receipt, why, tries: report.tries + 1, next_at: now + wait * 1000 });
}

/** The queued report after a refusal of one file: the others still go, then a person has to look. */
export function afterRefusal(report, fileId, { why, detail }) {
  return rested({ ...report, refused: { ...report.refused, [fileId]: { why, detail } } });
}

/** Where a report rests between tries: the desk has its text, or not yet; or only what was refused is left of it. */
export function rested(report) {
  const [help = null] = Object.values(report.refused);
  const stuck = help && report.receipt && filesToSend(report).length === 0;
  if (stuck) return { ...report, state: "needs-help", help };
  return { ...report, state: report.receipt ? "text-received" : "saved", help: null };
}

/** True when a report may be tried now. `mode`: "timer" keeps every wait; "eager" (the app was opened, the network is
 * back) does not wait out a dead line; "force" (a person says send) waits for nothing but a person's decision. */
export function isReady(report, now, mode = "timer") {
  if (report.state === "needs-help") return false;
  return mode === "force" || (mode === "eager" && isDeadLine(report.why)) || !isAhead(report.next_at, now);
}

/** Steps about one case go in the order they were taken; one that waits for a person holds up no other. */
export function isNext(step, all) {
  const isBefore = (other) => other.case === step.case && other.owner === step.owner && other.place < step.place;
  return !all.some((other) => other.case && isBefore(other) && !other.receipt && other.state !== "needs-help");
}

/** True when `at` is still to come; but a clock that was set back must not park a report for a day. */
function isAhead(at, now) {
  return at > now && at - now <= LONGEST_RETRY_AFTER_S * 1000;
}

/** Texts before files, danger and steps first, then the oldest: nobody waits for somebody else's photos. */
export function inOrder(reports) {
  const rank = (report) => [report.receipt ? 1 : 0, report.case || report.body.severity === "red" ? 0 : 1, report.tries];
  return [...reports].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const place = left.findIndex((value, at) => value !== right[at]);
    return place < 0 ? (a.saved_at < b.saved_at ? -1 : 1) : left[place] - right[place];
  });
}
