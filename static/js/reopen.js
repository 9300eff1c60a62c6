// A refused report becomes a draft again, so that a person can change what was refused. Rarely needed, loaded then.

import { write } from "./db.js";
import { uuid7 } from "./uuid7.js";

/** One transaction: the draft with its files under new ids in, the report out. Null when the desk has its text. */
export function reopenAsDraft(reportId) {
  return write(["reports", "drafts", "files"], async (reports, drafts, files) => {
    const report = await reports.get(reportId);
    if (report?.state !== "needs-help" || report.receipt) return null;
    const moved = (await files.ofReport(reportId)).map((file) => ({ from: file.id, file: { ...file, id: uuid7() } }));
    const draft = draftOf(report, moved.map(({ file }) => file));
    await Promise.all([
      drafts.put(draft), reports.delete(reportId),
      ...moved.flatMap(({ from, file }) => [files.delete(from), files.put({ ...file, report_id: draft.id })]),
    ]);
    return draft;
  });
}

/** It keeps its moment and its place: what is changed is the words, not what was seen. */
function draftOf({ owner, body, saved_at }, files) {
  const { text, severity, position, captured_at } = body;
  return {
    id: uuid7(), owner, text, severity, category: body.category ?? "", village_code: body.village_code ?? "",
    seen_case: body.seen_case,
    fix: position && fixOf(position, saved_at), settled: !position, captured_at, updated_at: new Date().toISOString(),
    files: files.map(({ id, kind, type, sha256, bytes }) => ({ id, kind, type, sha256, bytes, tries: 0 })),
  };
}

function fixOf({ lat, lon, accuracy_m, age_s, source }, saved_at) {
  const fix = { lat, lon, accuracy_m, timestamp: Date.parse(saved_at) - age_s * 1000 };
  return source === "pin" ? { ...fix, source } : fix;
}
