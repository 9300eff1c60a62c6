// One way to talk to the server. Never throws: an outcome says what came back, and a 200 alone proves nothing.
//
// {kind: "answer", status, body, problem, retryAfter} or {kind: "unreachable", why: "network"|"timeout"|"not-json"}

import { retryAfterSeconds } from "./policy.js";

const TIMEOUT_MS = 20_000;
const SLOWEST_BYTES_PER_MS = 2; // 2G: a photo of 600 KB may take five minutes

/** How far the phone's clock is behind the server's, in ms, by the last answer; null before the first. */
export let clockOffset = null;

/** Whether the last call reached the server; null before the first. */
export let reached = null;

/** GET, PUT or POST; `data` is plain data (sent as JSON) or an ArrayBuffer (sent as it is). */
export async function call(method, path, data = undefined, type = "application/json") {
  const body = data === undefined || data instanceof ArrayBuffer ? data : JSON.stringify(data);
  const headers = { "X-Requested-With": "fieldapp", Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = type;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutFor(body));
  try {
    const response = await fetch(path, {
      method, body, headers, credentials: "same-origin", redirect: "error", cache: "no-store", signal: abort.signal,
    });
    const outcome = await read(response); // inside the timeout: an answer may hang half-way
    reached = outcome.kind === "answer";
    return outcome;
  } catch {
    reached = false;
    return { kind: "unreachable", why: abort.signal.aborted ? "timeout" : "network" };
  } finally {
    clearTimeout(timer);
  }
}

export const ok = (outcome) => outcome.kind === "answer" && (outcome.status === 200 || outcome.status === 201);

/** How long (ms) an answer may take: longer for many bytes on a bad line. */
export function timeoutFor(body) {
  return TIMEOUT_MS + (body instanceof ArrayBuffer ? body.byteLength / SLOWEST_BYTES_PER_MS : 0);
}

async function read(response) {
  noteClock(response);
  const type = response.headers.get("Content-Type") ?? "";
  const problem = type.startsWith("application/problem+json");
  const json = problem || type.startsWith("application/json");
  const retryAfter = retryAfterSeconds(response.headers.get("Retry-After"), Date.now());
  const good = response.status >= 200 && response.status < 300 && response.status !== 204;
  if (good && !json) return { kind: "unreachable", why: "not-json" };
  const body = json ? await response.json().catch(() => null) : null;
  return { kind: "answer", status: response.status, body, problem: problem && body !== null, retryAfter };
}

function noteClock(response) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(date)) clockOffset = date - Date.now();
}
