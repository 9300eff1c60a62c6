// A file on its way up, watched: it may take as long as it likes while bytes still go. Loaded with the first file.

import { read, SLOWEST_BYTES_PER_MS, unreachable } from "./api.js";

const STALL_MS = 60_000;
const SYSTEM_BUFFER = 262_144; // bytes that count as sent while they still wait in the phone

/** PUT `data` with these headers; → an outcome of api.js. */
export function upload(path, data, headers, abort) {
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
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = goOn;
    request.onloadend = () => {
      clearTimeout(timer);
      const straight = request.responseURL === new URL(path, location.href).href; // no redirect ever counts as an answer
      done(request.status && straight ? read(asResponse(request)) : unreachable(why));
    };
    abort.onabort = () => end("yield");
    if (abort.aborted) return done(unreachable("yield"));
    goOn();
    return request.send(data);
  });
}

const asResponse = (request) => ({
  status: request.status,
  headers: { get: (name) => request.getResponseHeader(name) },
  json: async () => JSON.parse(request.responseText),
});
