// What the centre has confirmed of a report: its number here and there, its files, and the hash of its content.

import { byId, tell } from "./dom.js";
import { say } from "./words.js";

const SHOWN = 8; // digits, enough to compare over the telephone

/** Show the receipt of a sent report, or nothing where there is none. */
export function drawReceipt(sent) {
  const { receipt } = sent ?? {};
  byId("receipt").hidden = !receipt;
  if (!receipt) return;
  const here = (files) => `${files.received.length}/${files.received.length + files.missing.length}`;
  const values = { id: receipt.id.slice(-SHOWN), hash: receipt.content_hash.slice(0, SHOWN), photos: here(receipt.photos), voices: here(receipt.voices) };
  tell(byId("receipt-words"), say("receipt_words", values));
}
