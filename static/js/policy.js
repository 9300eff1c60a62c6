// What an answer means for a queued report. Pure: no DOM, no storage, no network, time and chance come in.

const FIRST_WAIT_S = 2;
const LONGEST_WAIT_S = 300;
const LONGEST_RETRY_AFTER_S = 3600;
const ODD_REFUSAL_WAIT_S = 3600;
const COUNT_DOUBLINGS = 10; // past the longest wait anyway; keeps the power finite

/** Seconds to wait after the `tries`-th failure in a row: doubling with jitter, at most five minutes. */
export function backoff(tries, random, retryAfter = null) {
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
 * → {verdict: "receipt"|"retry"|"login"|"help"|"other-user", why, receipt?, detail?, soft?, retryAfter?}
 * `step` is "report" or "file": a file unknown to the server (404) only means that the text must go again. */
export function judge(outcome, report, step = "report") {
  if (outcome.kind === "unreachable") return { verdict: "retry", why: outcome.why };
  const { status, retryAfter = null, body } = outcome;
  if (status === 401) return { verdict: "login", why: "login" };
  if (status === 408 || status === 429 || status >= 500) return { verdict: "retry", why: `http_${status}`, retryAfter };
  if (status === 200 || status === 201) return judgeReceipt(body, report);
  if (status < 400) return { verdict: "retry", why: "strange" }; // a redirect or an empty 204 proves nothing
  return judgeRefusal(outcome, step);
}

function judgeReceipt(body, report) {
  return receiptMatches(body, report) ? { verdict: "receipt", why: null, receipt: body } : { verdict: "retry", why: "receipt" };
}

function judgeRefusal({ status, body, problem }, step) {
  if (body?.code === "hash_mismatch") return { verdict: "retry", why: "altered" };
  if (problem && step === "file" && status === 404) return { verdict: "retry", why: "unknown" };
  if (problem && body?.errors?.owner) return { verdict: "other-user", why: "owner" };
  // a refusal that is not in our server's form may come from a portal in between: ask again after a while
  return { verdict: "help", why: `http_${status}`, detail: problem ? body.detail || body.title : null, soft: !problem };
}

/** True when a receipt speaks of exactly this report, this content and these files. */
export function receiptMatches(receipt, report) {
  return Boolean(receipt) && typeof receipt === "object" && receipt.id === report.id
    && receipt.content_hash === report.content_hash && typeof receipt.complete === "boolean"
    && listMatches(receipt.photos, report.body.photos) && listMatches(receipt.voices, report.body.voices)
    && receipt.complete === (missingFiles(receipt).length === 0);
}

/** True when the phone may let go of the bytes: every file is named as received, and the server says complete. */
export function mayForget(receipt, report) {
  return receiptMatches(receipt, report) && receipt.complete === true;
}

function listMatches(list, manifest) {
  const { received, missing } = list ?? {};
  if (!Array.isArray(received) || !Array.isArray(missing)) return false;
  const named = [...received, ...missing].sort();
  const own = manifest.map((file) => file.id).sort();
  return named.length === own.length && named.every((id, place) => id === own[place]);
}

/** Ids of the files a receipt still asks for. */
export const missingFiles = (receipt) => [...receipt.photos.missing, ...receipt.voices.missing];

/** The queued report after a failure: kept, with the time of the next try. */
export function afterFailure(report, decision, now, random) {
  const tries = report.tries + 1;
  const wait = backoff(report.tries, random, decision.retryAfter ?? null);
  const changed = { ...report, tries, lease_until: 0, why: decision.why, next_at: now + wait * 1000 };
  if (decision.verdict !== "help") return { ...changed, state: restingState(report), help: null };
  const next_at = decision.soft ? now + ODD_REFUSAL_WAIT_S * 1000 : null;
  return { ...changed, state: "needs-help", next_at, help: { why: decision.why, detail: decision.detail ?? null } };
}

/** Where a report rests between tries: the desk has its text, or not yet. */
export const restingState = (report) => (report.receipt ? "text-received" : "saved");

/** True when a report may be tried now. `mode`: "timer" keeps every wait; "eager" (the app was just opened)
 * does not wait out a dead network; "force" (the person says send, or the network is back) waits for nothing
 * but a lease and, once refused, a person's decision. */
export function isReady(report, now, mode = "timer") {
  if (report.state === "sending" && isAhead(report.lease_until, now)) return false;
  if (report.state === "needs-help" && report.next_at === null) return false;
  if (mode === "force") return report.state !== "needs-help" || report.next_at <= now;
  if (mode === "eager" && ["network", "timeout"].includes(report.why)) return true;
  return !isAhead(report.next_at, now);
}

/** True when `at` is still to come; but a clock that was set back must not park a report for a day. */
function isAhead(at, now) {
  return at > now && at - now <= LONGEST_RETRY_AFTER_S * 1000;
}

/** Texts before files, danger first, then the oldest: nobody waits for somebody else's photos. */
export function inOrder(reports) {
  const rank = (report) => [report.receipt ? 1 : 0, report.body.severity === "red" ? 0 : 1, report.tries];
  return [...reports].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const place = left.findIndex((value, at) => value !== right[at]);
    return place < 0 ? (a.saved_at < b.saved_at ? -1 : 1) : left[place] - right[place];
  });
}
