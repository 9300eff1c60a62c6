"""The JSON shapes of reports and cases, as the contract in docs/protocol.md fixes them."""

from typing import Any

from fieldapp import alerting, cases, intake
from fieldapp.clock import rfc3339
from fieldapp.models import Alert, Attachment, AttachmentState, Case, CaseEvent, Kind, Report, User
from fieldapp.rules.workflow import OPEN, Part
from fieldapp.web import words

REPORTER_SEES = frozenset(
    {"report", "accept", "decline", "merge", "dispatch", "acknowledge", "depart", "arrive", "report_outcome",
     "verify", "close", "reopen", "confirm", "dispute"}
)  # fmt: skip
OF_A_REPORT = frozenset({"merged_in", "joined", "apart", "unmerge", "restore", "split_off"})
REPORTER_READS_NOTE = frozenset({"decline", "close", "report_outcome"})
SHOWN = {AttachmentState.EXPECTED: "processing", AttachmentState.RECEIVED: "processing"}


def photo(attachment: Attachment) -> dict[str, Any]:
    """A photo and where its copies are; no address before they are ready."""
    ready = attachment.state == AttachmentState.READY
    base = f"/photos/{attachment.id}"
    return {
        "id": str(attachment.id),
        "kind": attachment.kind,
        "state": SHOWN.get(AttachmentState(attachment.state), attachment.state),
        "url": f"{base}/full" if ready else None,
        "thumb_url": f"{base}/thumb" if ready else None,
    }


def voice(attachment: Attachment) -> dict[str, Any]:
    """A voice note and where its copy is; no address before it is ready."""
    ready = attachment.state == AttachmentState.READY
    state = SHOWN.get(AttachmentState(attachment.state), attachment.state)
    return {"id": str(attachment.id), "state": state, "url": f"/voices/{attachment.id}" if ready else None}


def voices(report: Report) -> list[dict[str, Any]]:
    """What was said in a report."""
    return [voice(a) for a in report.attachments if a.kind == Kind.VOICE]


def case_row(case: Case, own: Report | None = None) -> dict[str, Any]:
    """One line of the queue; for a reporter, in the words and at the place of his or her `own` report."""
    place: Case | Report = own or case
    return {
        "number": case.number, "status": case.status, "severity": case.severity.word, "version": case.version,
        "title": cases.title_of(own) if own else case.title, "area_code": place.area_code,
        "category": place.category_code, "position": _position(place), "opened_at": rfc3339(case.opened_at),
        "due_at": rfc3339(case.due_at), "due_step": case.due_step, "signals": 1 if own else case.signals,
    }  # fmt: skip


def case_rows(found: list[Case], user: User) -> list[dict[str, Any]]:
    """Lines of the queue, each as this user may see it."""
    whole = cases.worked_on(user, found)
    only_told = [case.id for case in found if case.id not in whole]
    own = {r.case_id: r for r in cases.case_reports(only_told) if r.owner_id == user.id} if only_told else {}
    return [case_row(case, own.get(case.id)) for case in found]


def case_whole(case: Case, user: User) -> dict[str, Any]:
    """A case as this user may see it: officers everything, reporters only their side."""
    officer = bool(cases.parts(user, case) - {Part.REPORTER})
    reports = [r for r in cases.case_reports([case.id]) if officer or r.owner_id == user.id]
    return case_row(case, None if officer or not reports else reports[0]) | {
        "reports": [_report(report, officer) for report in reports],
        "photos": [photo(a) for a in pictures(reports, case, told=not officer)],
        "history": [event(e, officer) for e in case.events if officer or e.action in REPORTER_SEES],
        "deadlines": [{"step": case.due_step, "due_at": rfc3339(case.due_at)}] if case.due_step else [],
        "alerts": [_alert(alert) for alert in alerting.of_case(case)] if officer else [],
        "actions": cases.actions(user, case),
    }


def pictures(reports: list[Report], case: Case, told: bool = False) -> list[Attachment]:
    """The photos of these reports, then the after-photos of the case."""
    of_reports = [a for report in reports for a in report.attachments if a.kind == Kind.PHOTO]
    return of_reports + cases.after_photos(case, told)


def event(entry: CaseEvent, officer: bool) -> dict[str, Any]:
    """One line of history. A reporter reads no officer's name and only the notes meant for him or her."""
    line: dict[str, Any] = {
        "at": rfc3339(entry.at), "action": entry.action, "from": entry.source, "to": entry.result,
        "words": words.event(entry) if officer else words.event_for_reporter(entry),
    }  # fmt: skip
    if officer:
        line |= {"by": entry.actor.name if entry.actor else None, "data": entry.data}
    if officer or entry.action in REPORTER_READS_NOTE:
        line["note"] = entry.note
    return line


def report_line(report: Report) -> dict[str, Any]:
    """One's own report in the list."""
    case = report.case
    status = case.status if case else "new"
    return {
        "id": str(report.id),
        "case_number": case.number if case else None,
        "status": status,
        "status_words": str(words.STATUS_FOR_REPORTER[status]),
        "title": cases.title_of(report),
        "severity": report.severity.word,
        "complete": intake.receipt(report)["complete"],
        "open": status in OPEN,
        "captured_at": rfc3339(report.taken_at),
        "updated_at": rfc3339(case.changed_at if case else report.received_at),
        "satisfied": report.satisfied,
    }


def report_whole(report: Report, user: User) -> dict[str, Any]:
    """The receipt, and the story as its reporter may see it."""
    whole = intake.receipt(report) | report_line(report)
    whole["photos_state"] = [photo(a) for a in report.attachments if a.kind == Kind.PHOTO]
    whole["voices_state"] = voices(report)
    if report.case:
        seen = [e for e in report.case.events if e.action in REPORTER_SEES or _joined(e, report)]
        whole |= {
            "history": [event(entry, officer=False) for entry in seen],
            "after_photos": [photo(a) for a in cases.after_photos(report.case, told=True)],
            "actions": [a for a in cases.actions(user, report.case) if a in ("confirm", "dispute")],
            "version": report.case.version,
        }
    return whole


def _joined(entry: CaseEvent, report: Report) -> bool:
    """The moment this very report was found to tell of an event that was known already, or was not."""
    return entry.action in OF_A_REPORT and str(report.id) in entry.data.get("reports", ())


def _report(report: Report, officer: bool) -> dict[str, Any]:
    line = {
        "id": str(report.id), "text": report.text, "captured_at": rfc3339(report.captured_at),
        "received_at": rfc3339(report.received_at), "complete": intake.receipt(report)["complete"],
        "accuracy_m": report.accuracy_m, "position_source": report.position_source,
        "voices": [said["url"] for said in voices(report) if said["url"]], "voices_state": voices(report),
    }  # fmt: skip
    if officer:
        line["reporter"] = report.owner.name
    return line


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "id": str(alert.id), "purpose": alert.purpose, "state": alert.state, "raised_at": rfc3339(alert.raised_at),
        "next_step_at": rfc3339(alert.next_step_at), "unreached_at": rfc3339(alert.unreached_at),
        "acknowledged_at": rfc3339(alert.acknowledged_at),
        "deliveries": [
            {
                "id": str(d.id), "to": d.user.name, "channel": d.channel, "state": d.state, "attempts": d.attempts,
                "updated_at": rfc3339(d.updated_at), "error": d.error, "why": d.why, "copied": d.copied, "rung": d.rung,
                "due_at": rfc3339(d.due_at), "accepted_at": rfc3339(d.accepted_at), "shown_at": rfc3339(d.shown_at),
                "opened_at": rfc3339(d.opened_at),
            }
            for d in alert.deliveries
        ],
    }  # fmt: skip


def _position(at: Case | Report) -> dict[str, float] | None:
    return None if at.lat is None or at.lon is None else {"lat": at.lat, "lon": at.lon}
