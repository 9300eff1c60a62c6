// One way to talk to the server. Never throws: an outcome says what came back, and a 200 alone proves nothing.
//
// {kind: "answer", status, body, problem, retryAfter} or
// {kind: "unreachable", why: "network"|"timeout"|"not-json"|"yield"}; problem: a refusal in our server's own form

import { retryAfterSeconds } from "./policy.js";

const TIMEOUT_MS = 20_000;
export const SLOWEST_BYTES_PER_MS = 2; // 2G

/** How far the phone's clock is behind the server's, in ms, by the last answer; null before the first. */
export let clockOffset = null;

/** Whether the last call reached our server; null before the first. */
export let reached = null;

/** GET, PUT or POST; `data` is plain data (sent as JSON) or an ArrayBuffer (sent as it is). */
export async function call(method, path, data = undefined, type = "application/json") {
  const body = data === undefined || data instanceof ArrayBuffer ? data : JSON.stringify(data);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutFor(body));
  try {
    const headers = headersFor(body === undefined ? null : type);
    const response = await fetch(path, {
      method, body, headers, credentials: "same-origin", redirect: "error", cache: "no-store", signal: abort.signal,
    });
    return await read(response); // inside the timeout: an answer may hang half-way
  } catch {
    return unreachable(abort.signal.aborted ? "timeout" : "network");
  } finally {
    clearTimeout(timer);
  }
}

/** PUT the bytes of a file, however long it takes while it goes on. `abort` lets a fresh text go first ("yield"). A
 * service worker has only fetch, and so has a page that cannot get the better code just now. */
export async function upload(path, data, type, abort) {
  const plain = () => call("PUT", path, data, type);
  if (!globalThis.XMLHttpRequest) return plain();
  const better = await import("./upload.js").catch(() => null);
  return better ? better.upload(path, data, headersFor(type), abort) : plain();
}

export const ok = (outcome) => outcome.kind === "answer" && (outcome.status === 200 || outcome.status === 201);

/** How long (ms) an answer may take: longer for many bytes on a bad line. */
export function timeoutFor(body) {
  return TIMEOUT_MS + (body instanceof ArrayBuffer ? body.byteLength / SLOWEST_BYTES_PER_MS : 0);
}

function headersFor(type) {
  return { "X-Requested-With": "fieldapp", Accept: "application/json", ...(type && { "Content-Type": type }) };
}

/** The outcome when no answer came. */
export function unreachable(why) {
  if (why !== "yield") reached = false;
  return { kind: "unreachable", why };
}

/** The outcome of an answer, whatever brought it. */
export async function read(response) {
  const { status, headers } = response;
  const type = headers.get("Content-Type") ?? "";
  const body = /^application\/(problem\+)?json/.test(type) ? await response.json().catch(() => null) : null;
  const good = status >= 200 && status < 300;
  if (good && !body && status !== 204) return unreachable("not-json");
  const problem = !good && body?.status === status && typeof body.code === "string";
  reached = (good || problem) && status < 500; // what a portal or a proxy says proves nothing
  if (reached) noteClock(headers.get("Date"));
  return { kind: "answer", status, body, problem, retryAfter: retryAfterSeconds(headers.get("Retry-After"), Date.now()) };
}

function noteClock(header) {
  const date = Date.parse(header ?? "");
  if (!Number.isNaN(date)) clockOffset = date - Date.now();
}
