"""Calendar feeds: making an address, and the calendar behind it, which a phone reads without a login."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, feeds
from fieldapp.db import writing
from fieldapp.errors import Conflict
from fieldapp.feeds import Entry
from fieldapp.rules.roles import Role
from fieldapp.web import roster_words
from fieldapp.web.security import for_roles, settings, user
from fieldapp.web.tongue import say as gettext

if TYPE_CHECKING:
    from icalendar import Event

bp = Blueprint("feeds", __name__)
HAS_FEED = (Role.RESPONDER, Role.GRID, Role.LEADER, Role.DUTY)
EVERY = timedelta(minutes=15)  # how often a calendar need ask


@bp.post("/roster/feeds")
@for_roles(*HAS_FEED)
def make() -> ResponseReturnValue:
    """A new address, shown this once; the old one dies. A form sent twice makes no second one."""
    town, old = request.form.get("town") == "1", request.form.get("instead_of", "0")
    try:
        with writing():
            token = feeds.make(
                user(), town, int(old) if old.isascii() and old.isdigit() and len(old) < 10 else 0, clock.now()
            )
    except Conflict as error:
        return render_template("roster/feed.html", link="", town=town, error=roster_words.reason(error.reason)), 409
    link = f"{settings().base_url}/ics/{token}.ics"
    return render_template("roster/feed.html", link=link, town=town, error="")


@bp.post("/roster/feeds/end")
@for_roles(*HAS_FEED)
def end() -> ResponseReturnValue:
    """The address stops working, and there is none."""
    town = request.form.get("town") == "1"
    with writing():
        feeds.end(user(), town, clock.now())
    return render_template("roster/feed.html", link="", town=town, error="")


@bp.get("/ics/<token>.ics")
def calendar(token: str) -> ResponseReturnValue:
    """The calendar; whoever knows the address may read it, and one that is not known does not exist."""
    feed = feeds.of_token(token)
    if feed is None:
        abort(404)
    now = clock.now()
    answer = Response(_calendar(feeds.entries(feed, now), now), mimetype="text/calendar")
    answer.headers["Cache-Control"] = f"private, max-age={int(EVERY.total_seconds())}"
    answer.headers["Content-Disposition"] = 'inline; filename="roster.ics"'
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _calendar(entries: list[Entry], now: datetime) -> bytes:
    import icalendar  # 50 ms that only this page pays

    made = icalendar.Calendar()
    made.add("prodid", "-//fieldapp//roster//ZH")
    made.add("version", "2.0")
    made.add("x-wr-calname", gettext("随手报值班"))
    made.add("refresh-interval", EVERY, parameters={"VALUE": "DURATION"})
    for entry in entries:
        made.add_component(_event(entry, now))
    return bytes(made.to_ical())


def _event(entry: Entry, now: datetime) -> "Event":
    from icalendar import Event

    event = Event()
    event.add("uid", f"{entry.uid}@fieldapp")
    event.add("dtstamp", now)
    event.add("dtstart", entry.starts_at)
    event.add("dtend", entry.ends_at)
    event.add("summary", _summary(entry))
    return event


def _summary(entry: Entry) -> str:
    rung = str(roster_words.RUNG[entry.rung])
    if not entry.holder:
        return gettext("%(rung)s没有人", rung=rung)
    post = entry.post if entry.post and entry.post != rung else ""
    return gettext("%(rung)s：%(name)s", rung=f"{rung} {post}".strip(), name=entry.holder)
