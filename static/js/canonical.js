// RFC 8785 canonical JSON and SHA-256: phone and server must name the same content by the same hash.

/** Canonical JSON of plain data. Keys sort by UTF-16 code units, which is what sort() does; JSON.stringify
 * already writes numbers and strings as RFC 8785 wants them. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object") {
    const keys = Object.keys(value).filter((key) => value[key] !== undefined).sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("not a JSON number");
  return JSON.stringify(value ?? null);
}

/** SHA-256 of bytes, as 64 hex digits. */
export async function sha256(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The hash that freezes a report: its body without client_now, which differs at every try. */
export function contentHash(body) {
  const { client_now: _ignored, ...content } = body;
  return sha256(new TextEncoder().encode(canonical(content)));
}

/** Half a character pair, left by a cut-off emoji, cannot be hashed alike on both sides: replace it. */
export function wellFormed(text) {
  return Array.from(text, (character) => (/^[\uD800-\uDFFF]$/.test(character) ? "\uFFFD" : character)).join("");
}
