// Reports as a file, for when they cannot be sent from here: nothing a person wrote is ever locked in.

import * as store from "./store.js";

/** Offer these reports (and steps, which name their case) with all their bytes as one JSON file:
 * {reports: [{id, owner, content_hash, saved_at, body, files, case?}]}. */
export async function exportReports(reports) {
  const parts = [];
  for (const report of reports) parts.push(parts.length ? ",\n" : "", await asJson(report)); // never one string of it all
  const blob = new Blob(['{"reports": [', ...parts, "]}"], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `fieldapp-${reports[0]?.id}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function asJson({ id, owner, content_hash, saved_at, body, case: number }) {
  const files = (await store.filesOf(id)).map(({ data, ...file }) => ({ ...file, base64: base64(data) }));
  return JSON.stringify({ id, owner, case: number, content_hash, saved_at, body, files }, null, 1);
}

function base64(buffer) {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
