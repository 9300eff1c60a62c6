"""A case on one sheet of A4: so much of each part that it always fits, and a word wherever something is left out.

Reporters are not named, and numbers of telephones and identity cards are left out of what was typed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from fieldapp import cases, paste
from fieldapp.db import db
from fieldapp.models import Assignment, Attachment, AttachmentState, Case, CaseEvent, FieldStep, Kind, Report
from fieldapp.rules.veil import shorten, veil
from fieldapp.web import views, words

SAID, DONE = 260, 160  # signs of what was reported and of what was done
WHAT, NOTE = 24, 22  # of a line of the history: it is one line on the paper
TITLE, PICTURES, PEOPLE, LINES = 40, 3, 6, 12


@dataclass(frozen=True)
class Line:
    """One line of the history."""

    at: datetime
    what: str
    by: str
    note: str


def of(case: Case) -> dict[str, Any]:
    """What the sheet shows."""
    reports = cases.case_reports([case.id])
    reporters, after = {report.owner.name for report in reports}, cases.after_photos(case)
    said, shorter = paste.said(reports, reporters, SAID)
    done = paste.told(case.events)
    done_words, done_shorter = shorten(veil(done.note, reporters), DONE) if done else ("", False)
    owners = {report.owner_id for report in reports}
    events = [event for event in case.events if _counts(event)]
    history = [_line(event, owners, reporters) for event in _most_telling(events)]
    first = [a for report in reports for a in report.attachments if a.kind == Kind.PHOTO]
    return {
        "case": case, "title": shorten(veil(case.title, reporters), TITLE)[0], "said": said, "done": done_words,
        "shortened": shorter or done_shorter, "kind": words.category(case), "place": paste.place(case),
        "before": _few(first), "after": _few(after), "taken_of": taken(reports, after), "seen_at": _seen(reports, case),
        "more_pictures": len(_ready(first)) + len(_ready(after)) - len(_few(first)) - len(_few(after)),
        "sent": _sent(case.assignments), "more_sent": max(0, len(case.assignments) - PEOPLE),
        "history": history, "left_out": len(events) - len(history),
    }  # fmt: skip


def taken(reports: Sequence[Report], after: Sequence[Attachment]) -> dict[str, datetime]:
    """When each picture was taken, as far as is known: with its report or with the step it belongs to."""
    found = {str(a.id): report.taken_at for report in reports for a in report.attachments}
    steps = _steps(a.step_id for a in after if a.step_id)
    for one in after:
        at = steps.get(one.step_id) if one.step_id else one.received_at
        if at:
            found[str(one.id)] = at
    return found


def _steps(ids: Iterable[UUID]) -> dict[UUID, datetime]:
    wanted = set(ids)
    if not wanted:
        return {}
    query = select(FieldStep.id, FieldStep.taken_at).where(FieldStep.id.in_(wanted))
    return dict(db.session.execute(query).all())


def _counts(event: CaseEvent) -> bool:
    """What somebody did or what moved the case; not each call that was made, nor each picture that came."""
    return event.action != "after_photo" and (event.actor_id is not None or event.source != event.result)


def _most_telling(events: Sequence[CaseEvent]) -> list[CaseEvent]:
    """As many as fit, in their order: how it began, what moved it, then the latest of what else was done."""
    ranked = sorted(range(len(events)), key=lambda n: (n == 0, events[n].source != events[n].result, n), reverse=True)
    return [events[n] for n in sorted(ranked[:LINES])]


def _line(event: CaseEvent, owners: set[int], reporters: set[str]) -> Line:
    """Who reported is not named, whatever else he or she did in the case."""
    by = event.actor.name if event.actor and event.actor_id not in owners else ""
    what = shorten(veil(words.event(event), reporters), WHAT)[0]
    return Line(event.at, what, by, shorten(veil(event.note, reporters), NOTE)[0])


def _seen(reports: Sequence[Report], case: Case) -> datetime:
    return min((report.taken_at for report in reports), default=case.opened_at)


def _ready(found: Sequence[Attachment]) -> list[Attachment]:
    return [a for a in found if a.state == AttachmentState.READY]


def _few(found: Sequence[Attachment]) -> list[dict[str, Any]]:
    return [views.photo(a) for a in _ready(found)[:PICTURES]]


def _sent(assignments: Sequence[Assignment]) -> list[Assignment]:
    """Those who are on it before those who gave it back, the lead first."""
    return sorted(assignments, key=lambda one: (not one.standing, not one.lead, one.id))[:PEOPLE]
