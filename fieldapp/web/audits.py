"""The audit for whoever answers for it: a town's leader reads what was seen and done there, an admin what was set."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from fieldapp import audit, clock
from fieldapp.audit import Actor, Wanted
from fieldapp.db import writing
from fieldapp.models import User
from fieldapp.rules.roles import Role
from fieldapp.rules.sheets import Row, csv_file
from fieldapp.web import audit_words, auditing
from fieldapp.web.security import for_roles, limiter, user
from fieldapp.web.tongue import say as _

bp = Blueprint("audits", __name__)
READERS = (Role.LEADER, Role.ADMIN)
USUAL, MOST, MOST_AT_ONCE = 7, 31, 366  # days: shown at first, on the page, in a file
NAMES = ("who", "what", "number", "from", "to")


@bp.get("/desk/audit")
@for_roles(*READERS)
def show() -> ResponseReturnValue:
    """The newest first, a page at a time."""
    wanted, days = _wanted(MOST)
    lines, cursor = audit.page(user(), wanted, request.args.get("cursor", ""))
    return render_template(
        "desk/audit.html", lines=lines, names=audit.names(lines), cursor=cursor, wanted=wanted, days=days,
        people=audit.people(user()), groups=_groups(), say=audit_words, query=_query(), most=MOST,
        system=audit.BY_SYSTEM, leads=user().role == Role.LEADER,
    )  # fmt: skip


@bp.get("/desk/audit.csv")
@limiter.limit("10 per minute")
@for_roles(*READERS)
def export() -> ResponseReturnValue:
    """What the filter shows as a file, line by line; that it was taken is in the audit first."""
    wanted, days = _wanted(MOST_AT_ONCE)
    asker = user()
    asker_id, data = asker.id, {"from": str(days[0]), "to": str(days[1])}
    actor = Actor.of(asker)
    with writing():
        audit.write(actor, "audit_exported", data=data, now=clock.now(), request=auditing.request_id())
    head = (_("时间"), _("谁"), _("角色"), _("做了什么"), _("对象"), _("说明"), _("请求"))
    answer = Response(stream_with_context(csv_file(head, _rows(asker_id, wanted))), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="audit-{days[0]}-{days[1]}.csv"'
    return answer


def _rows(asker_id: int, wanted: Wanted) -> Iterator[Row]:
    for lines in audit.stretches(asker_id, wanted):
        names = audit.names(lines)
        for line in lines:
            yield (
                clock.local(line.at).strftime("%Y-%m-%d %H:%M:%S"), audit_words.who(line), audit_words.role(line),
                audit_words.what(line), audit_words.about(line, names), audit_words.more(line),
                getattr(line.event, "request", ""),
            )  # fmt: skip


def _wanted(most: int) -> tuple[Wanted, tuple[date, date]]:
    """The filter; days that nobody could mean give way to the last week."""
    last = _day("to") or clock.local(clock.now()).date()
    first = _day("from") or last - timedelta(days=USUAL - 1)
    first = max(min(first, last), last - timedelta(days=most - 1))
    what = request.args.get("what", "")
    wanted = Wanted(
        _midnight(first), _midnight(last + timedelta(days=1)), request.args.get("who", ""),
        what if what in audit.GROUPS else "", request.args.get("number", "").strip().upper()[:20].replace("\x00", ""),
    )  # fmt: skip
    return wanted, (first, last)


def _day(name: str) -> date | None:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if 2000 <= day.year < 2100 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.LOCAL)


def _query() -> str:
    return urlencode({name: request.args[name] for name in NAMES if request.args.get(name)})


def _groups() -> dict[str, object]:
    """An admin's audit has no cases in it."""
    person: User = user()
    shown = audit.GROUPS if person.role == Role.LEADER else ("sessions", "settings")
    return {name: audit_words.GROUP[name] for name in shown}
