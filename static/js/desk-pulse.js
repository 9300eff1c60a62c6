// Asks the server every two seconds whether anything changed, and says when it cannot be reached.

const TIMEOUT_MS = 8000;
let tag = null;
let asking = false;

/** Call `beat(body)` at each new answer, `found()` at any answer and `lost(why)` when there was none. */
export function startPulse({ caseNumber, beat, found, lost }) {
  const ask = () => { if (!asking) askOnce({ caseNumber, beat, found, lost }); };
  const ticker = new Worker(new URL("./desk-ticker.js", import.meta.url));
  ticker.addEventListener("message", ask);
  document.addEventListener("visibilitychange", ask);
  ask();
}

async function askOnce({ caseNumber, beat, found, lost }) {
  asking = true;
  try {
    const open = caseNumber();
    const response = await fetch(`/desk/pulse${open ? `?case=${encodeURIComponent(open)}` : ""}`, {
      headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store", redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 304) return found();
    if (!response.ok) return lost(response.type === "opaqueredirect" || response.status === 401 ? "login" : "server");
    const body = await response.json();
    tag = response.headers.get("ETag");
    found();
    beat(body);
  } catch {
    lost("network");
  } finally {
    asking = false;
  }
}
