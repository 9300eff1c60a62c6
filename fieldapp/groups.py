"""Group bots: a line for the town's groups about each call. What waits goes out as one message, within a bot's limits.

A bot is leased as a whole, and may send again only after a pause (its `next_at`), so any number of workers keep to
the service's limit together. A line that could not be sent is part of the next message, until it is too old to help.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Select, or_, select, text, update

from fieldapp.channels import Permanent, Temporary
from fieldapp.channels.kinds import GROUPS, KINDS
from fieldapp.channels.message import Message
from fieldapp.db import db, insert, writing
from fieldapp.models import UNANSWERED, Alert, Case, Gateway, GroupPost
from fieldapp.rules.delivery import WAITING, DeliveryState
from fieldapp.rules.escalation import retry_delay
from fieldapp.rules.severity import COLOUR

LASTS = timedelta(hours=1)  # later than that a group has no use for it
LEASE = timedelta(seconds=30)
MOST_LINES = 15
WAITS = text("group_posts.state IN ('queued', 'failed-temporary')")  # as its partial index says it


@dataclass(frozen=True)
class Bundle:
    """Lines that go to one group in one message; `attempt` is the fence of the lease."""

    gateway_id: int
    attempt: int
    posts: tuple[UUID, ...]
    kind: str
    settings: str
    message: Message


def post(alert: Alert, case: Case, now: datetime) -> None:
    """Write a line for every group bot of the alert's town. It says what kind of thing it is and where, in no words
    of a reporter's: a group has more readers than the desk.
    """
    query = select(Gateway.id).where(Gateway.town_code == alert.town_code, Gateway.active, Gateway.kind.in_(GROUPS))
    kind = case.category.name if case.category else "未分类"
    line = f"{COLOUR[alert.severity]} {kind} · {case.area.short_name} · {case.number}"
    posts = [
        GroupPost(
            id=uuid4(), gateway_id=gateway_id, alert_id=alert.id, line=line, state=DeliveryState.QUEUED, attempts=0,
            created_at=now, updated_at=now, expires_at=now + LASTS, error=None,
        )
        for gateway_id in db.session.scalars(query)
    ]  # fmt: skip
    insert(*posts)


def claim(owner: str, base_url: str, now: datetime) -> list[Bundle]:
    """Lease every bot that has something to say and may speak now."""
    if not list(db.session.scalars(_ready(now).limit(1))):
        db.session.rollback()
        return []
    with writing():
        bots = db.session.scalars(_ready(now).with_for_update(of=Gateway, skip_locked=True)).all()
        return [_bundle(bot, owner, base_url, now) for bot in bots]


def record(bundle: Bundle, error: Exception | None, owner: str, now: datetime, chance: Callable[[], float]) -> None:
    """Write what became of a message, if the lease is still ours."""
    with writing():
        held = select(Gateway).where(Gateway.id == bundle.gateway_id, Gateway.lease_owner == owner)
        bot = db.session.scalar(held.with_for_update())
        if bot is None or bot.attempts != bundle.attempt:
            return
        bot.lease_owner = bot.lease_until = None
        bot.next_at = now + _pause(bot, error, chance())
        bot.trouble = str(error)[:200] if error else None
        state = DeliveryState.RETRYING if error else DeliveryState.ACCEPTED
        lines = GroupPost.id.in_(bundle.posts) & GroupPost.state.in_(WAITING)
        values = {"state": state, "updated_at": now, "error": bot.trouble, "attempts": GroupPost.attempts + 1}
        db.session.execute(update(GroupPost).where(lines).values(values))
        if error is None:
            bot.attempts = 0


def expire(now: datetime) -> None:
    """Lines that nobody needs any more."""
    answered = select(Alert.id).where(Alert.id == GroupPost.alert_id, Alert.state.not_in(UNANSWERED)).exists()
    query = select(GroupPost.id).where(WAITS, or_(GroupPost.expires_at <= now, answered)).order_by(GroupPost.id)
    if db.session.scalar(query.limit(1)) is None:
        db.session.rollback()
        return
    with writing():
        over = list(db.session.scalars(query.with_for_update(of=GroupPost, skip_locked=True)))
        values = {"state": DeliveryState.EXPIRED, "updated_at": now}
        db.session.execute(update(GroupPost).where(GroupPost.id.in_(over)).values(values))


def _ready(now: datetime) -> Select[Gateway]:
    waits = select(GroupPost.id).join(Alert, GroupPost.alert_id == Alert.id).where(
        GroupPost.gateway_id == Gateway.id, WAITS, GroupPost.expires_at > now, Alert.state.in_(UNANSWERED)
    )  # fmt: skip
    may = or_(Gateway.next_at.is_(None), Gateway.next_at <= now)
    free = or_(Gateway.lease_until.is_(None), Gateway.lease_until < now)
    return select(Gateway).where(Gateway.active, may, free, waits.exists()).order_by(Gateway.id)


def _bundle(bot: Gateway, owner: str, base_url: str, now: datetime) -> Bundle:
    bot.lease_owner, bot.lease_until, bot.attempts = owner, now + LEASE, bot.attempts + 1
    open_ones = select(GroupPost).join(Alert, GroupPost.alert_id == Alert.id).where(Alert.state.in_(UNANSWERED))
    waiting = open_ones.where(GroupPost.gateway_id == bot.id, WAITS)
    posts = db.session.scalars(waiting.order_by(GroupPost.created_at).limit(MOST_LINES)).all()
    return Bundle(bot.id, bot.attempts, tuple(p.id for p in posts), bot.kind, bot.sealed, _message(posts, base_url))


def _message(posts: Sequence[GroupPost], base_url: str) -> Message:
    title = f"随手报：{len(posts)} 件等待签收"
    return Message(title, "\n".join(post.line for post in posts), f"{base_url}/tasks", "", "", "")


def _pause(bot: Gateway, error: Exception | None, chance: float) -> timedelta:
    if error is None:
        return timedelta(seconds=60 / KINDS[bot.kind].per_minute)
    if isinstance(error, Permanent):
        return timedelta(minutes=5)  # its settings are wrong: somebody must mend them first
    after = error.retry_after if isinstance(error, Temporary) else None
    return retry_delay(bot.attempts, after, chance)
