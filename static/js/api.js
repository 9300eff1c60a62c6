// One way to talk to the server. Never throws: an outcome says what came back, and a 200 alone proves nothing.
//
// {kind: "answer", status, body, problem, retryAfter} or
// {kind: "unreachable", why: "network"|"timeout"|"not-json"|"yield"}; problem: a refusal in our server's own form

import { retryAfterSeconds } from "./policy.js";

const TIMEOUT_MS = 20_000;
const SLOWEST_BYTES_PER_MS = 2; // 2G
const STALL_MS = 60_000;
const SYSTEM_BUFFER = 262_144; // bytes that count as sent while they still wait in the phone

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

/** PUT the bytes of a file, however long it takes while it goes on. `abort` lets a fresh text go first ("yield"). */
export function upload(path, data, type, abort) {
  if (!globalThis.XMLHttpRequest) return call("PUT", path, data, type); // a service worker has only fetch
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    const stall = STALL_MS + Math.min(data.byteLength, SYSTEM_BUFFER) / SLOWEST_BYTES_PER_MS;
    let why = "network";
    let timer;
    const end = (reason) => {
      why = reason;
      request.abort();
    };
    const goOn = () => {
      clearTimeout(timer);
      timer = setTimeout(end, stall, "timeout");
    };
    request.open("PUT", path);
    for (const [name, value] of Object.entries(headersFor(type))) request.setRequestHeader(name, value);
    request.upload.onprogress = goOn;
    request.onloadend = () => {
      clearTimeout(timer);
      const straight = request.responseURL === new URL(path, location.href).href; // no redirect ever counts as an answer
      done(request.status && straight ? read(asResponse(request)) : unreachable(why));
    };
    abort.onabort = () => end("yield");
    goOn();
    request.send(data);
  });
}

export const ok = (outcome) => outcome.kind === "answer" && (outcome.status === 200 || outcome.status === 201);

/** How long (ms) an answer may take: longer for many bytes on a bad line. */
export function timeoutFor(body) {
  return TIMEOUT_MS + (body instanceof ArrayBuffer ? body.byteLength / SLOWEST_BYTES_PER_MS : 0);
}

function headersFor(type) {
  return { "X-Requested-With": "fieldapp", Accept: "application/json", ...(type && { "Content-Type": type }) };
}

const asResponse = (request) => ({
  status: request.status,
  headers: { get: (name) => request.getResponseHeader(name) },
  json: async () => JSON.parse(request.responseText),
});

function unreachable(why) {
  if (why !== "yield") reached = false;
  return { kind: "unreachable", why };
}

async function read(response) {
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
