// A report as a file, for when the server refuses it: nothing a person wrote is ever locked in.

import * as store from "./store.js";

/** Offer the report with all its bytes as a JSON file. */
export async function exportReport(report) {
  const files = (await store.filesOf(report.id)).map(({ data, ...file }) => ({ ...file, base64: base64(data) }));
  const { body, content_hash, saved_at, id } = report;
  const blob = new Blob([JSON.stringify({ id, content_hash, saved_at, body, files }, null, 1)], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `fieldapp-${id}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function base64(buffer) {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
