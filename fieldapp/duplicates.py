"""Likely earlier cases of the same event, each with a score and why; and the scales learned for them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from fieldapp import cases, scope
from fieldapp.cases import Ask
from fieldapp.db import db, writing
from fieldapp.errors import Invalid
from fieldapp.models import (
    IS_OPEN,
    Attachment,
    AttachmentState,
    Case,
    Category,
    Kind,
    PairDecision,
    Report,
    SimilarityScale,
    User,
)
from fieldapp.rules import geo, habit, similarity
from fieldapp.rules.similarity import Item, Scale, Wording
from fieldapp.rules.workflow import OPEN, Status

OVER_SINCE = timedelta(days=14)  # what was closed lately may be meant as well
LOOKED_AT, OFFERED, LEAST = 60, 5, 0.25
ANOTHER_KIND, UNKNOWN_KIND = 0.2, 0.5
SAME_VILLAGE_M = 250.0  # where one of them has no position
LEARNED_FROM, ENOUGH, FRESH = 20000, 200, timedelta(days=1)
DECIDED_FROM, ENOUGH_OF_EACH = 4000, 20  # the latest decisions; so many yes and so many no show a habit

Pair = tuple[Item | None, Item | None, bool]


@dataclass(frozen=True)
class Offer:
    """An earlier case that may be the same event, and what speaks for it."""

    case: Case
    score: float
    metres: int | None
    minutes: int
    same_kind: bool
    words: str
    alike: bool
    thumb: UUID | None

    @property
    def open(self) -> bool:
        """Only an open one can take another in."""
        return self.case.status in OPEN


def likely(user: User, case: Case, now: datetime) -> list[Offer]:
    """The likeliest earlier cases of the town, best first."""
    found = _candidates(user, case, now)
    if not found:
        return []
    ids = [case.id, *(other.id for other in found)]
    scale, common = _scale(case.category_code)
    texts, looks = _texts(ids), _looks(ids)
    offers = [_offer(case, other, scale, common, texts, looks) for other in found]
    offers = [offer for offer in offers if offer.score >= LEAST]
    return sorted(offers, key=lambda offer: (-offer.score, offer.case.id))[:OFFERED]


def not_same(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """不是一回事: the desk looked at both; that one is not offered again, and the scale learns from it."""
    query = scope.cases(actor).where(Case.number.in_(ask.to[:1]), Case.town_code == case.town_code)
    other = db.session.scalar(query.where(Case.id != case.id))
    if ask.to and other is None:
        raise Invalid({"to": "no_such_case"})
    data = {"from": other.number} if other else {}
    cases.apply(case, "not_same", actor, now, note=ask.note, has_target=other is not None, data=data)
    assert other is not None
    decided(case, other, False, now)


def decided(case: Case, other: Case, same: bool, now: datetime) -> None:
    """Keep what the desk said of these two."""
    row = PairDecision(case_id=case.id, other_id=other.id, category_code=case.category_code, same=same, at=now)
    db.session.merge(row)


def learn(now: datetime) -> int:
    """Learn every kind's scale anew from the latest cases and the desk's decisions; how many kinds there were enough
    of. Reads outside, writes at the end: nobody waits for it.
    """
    rows, groups = _latest(), defaultdict(list)
    parents = dict(db.session.execute(select(Category.code, Category.parent_code)).all())
    for code, item in reversed(rows):
        for name in {code or "", (code and parents.get(code)) or "", ""}:
            groups[name].append(item)
    said = _decisions(parents)
    db.session.rollback()
    enough = {name: items for name, items in groups.items() if len(items) >= ENOUGH}
    learned = {name: _learned(items, said[name]) for name, items in enough.items()}
    with writing():
        for name, values in learned.items():
            db.session.merge(SimilarityScale(category_code=name, learned=values, learned_at=now))
    return len(learned)


def learn_if_old(now: datetime) -> int:
    """The same unless some worker has done so within a day."""
    newest = db.session.scalar(select(func.max(SimilarityScale.learned_at)))
    db.session.rollback()
    return learn(now) if newest is None or newest <= now - FRESH else 0


def _candidates(user: User, case: Case, now: datetime) -> list[Case]:
    refused = select(PairDecision.other_id).where(PairDecision.case_id == case.id, ~PairDecision.same)
    mine = scope.cases(user) if user.town_code != case.town_code else select(Case)
    earlier = Case.id + 0 < case.id  # not by the primary key: that would walk down a million rows
    query = mine.where(Case.town_code == case.town_code, earlier, Case.id.not_in(refused))
    if case.lat is None or case.lon is None:
        near = query.where(IS_OPEN, Case.area_code == case.area_code)
        return list(db.session.scalars(near.order_by(Case.id.desc()).limit(LOOKED_AT)))
    here = _around(query, case.lat, case.lon)
    open_ = here.where(IS_OPEN).order_by(Case.opened_at.desc())
    over = here.where(Case.closed_at.is_not(None), Case.closed_at >= now - OVER_SINCE, Case.status == Status.CLOSED)
    newest = (each.limit(LOOKED_AT) for each in (open_, over.order_by(Case.closed_at.desc())))
    return [row for each in newest for row in db.session.scalars(each).all()]


def _around(query: Select[Case], lat: float, lon: float) -> Select[Case]:
    north = similarity.REACH / geo.METRES_PER_DEGREE
    east = north / cos(radians(lat))
    return query.where(Case.lat.between(lat - north, lat + north), Case.lon.between(lon - east, lon + east))


def _offer(
    case: Case, other: Case, scale: Scale, common: frozenset[str],
    texts: dict[int, str], looks: dict[int, list[Attachment]],
) -> Offer:  # fmt: skip
    metres = _metres(case, other)
    one, two = (_item(each, texts.get(each.id, each.title), common) for each in (case, other))
    bits, thumb = _alike(looks[case.id], looks[other.id])
    far = SAME_VILLAGE_M if metres is None else metres
    value = habit.likelihood(scale, one, two, far, bits)
    same = case.category_code == other.category_code
    known = case.category_code and other.category_code
    value *= 1.0 if same and known else ANOTHER_KIND if known else UNKNOWN_KIND
    return Offer(
        other, similarity.score(value), None if metres is None else round(metres),
        int((case.opened_at - other.opened_at).total_seconds() // 60), bool(same and known),
        _both_say(one, two), bits is not None and bits <= similarity.ALIKE_BITS, thumb,
    )  # fmt: skip


def _metres(case: Case, other: Case) -> float | None:
    if case.lat is None or case.lon is None or other.lat is None or other.lon is None:
        return None
    return geo.metres(case.lat, case.lon, other.lat, other.lon)


def _item(case: Case, text: str, common: frozenset[str]) -> Item:
    day = case.opened_at.timestamp() / 86400
    return Item(case.lat or 0.0, case.lon or 0.0, day, text, similarity.words_of(text) - common)


def _both_say(one: Item, two: Item) -> str:
    """What to name as said in both: the whole text, or the words of it that mean something."""
    said = similarity.wording(one, two)
    return (one.text if said == Wording.ALL else similarity.shared(one, two))[:12] if said else ""


def _texts(ids: Sequence[int]) -> dict[int, str]:
    """What the first report of each said in writing."""
    query = select(Report.case_id, Report.text).where(Report.case_id.in_(ids), Report.text != "")
    found: dict[int, str] = {}
    for case_id, text in db.session.execute(query.order_by(Report.received_at)):
        found.setdefault(case_id or 0, text[:200])
    return found


def _looks(ids: Sequence[int]) -> dict[int, list[Attachment]]:
    query = select(Report.case_id, Attachment).join(Attachment, Attachment.report_id == Report.id)
    ready = (Attachment.kind == Kind.PHOTO, Attachment.state == AttachmentState.READY)
    found: dict[int, list[Attachment]] = defaultdict(list)
    for case_id, photo in db.session.execute(query.where(Report.case_id.in_(ids), *ready)):
        found[case_id or 0].append(photo)
    return found


def _alike(mine: Sequence[Attachment], theirs: Sequence[Attachment]) -> tuple[int | None, UUID | None]:
    """How few bits the two most alike pictures differ in, and the other's picture to show."""
    pairs = [(_differ(a.looks, b.looks), b) for a in mine for b in theirs if a.looks and b.looks]
    if not pairs:
        return None, theirs[0].id if theirs else None
    bits, photo = min(pairs, key=lambda pair: pair[0])
    return bits, photo.id


def _differ(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _scale(code: str | None) -> tuple[Scale, frozenset[str]]:
    """The scale of the kind, else of its parent, else of all, else what is assumed."""
    category = db.session.get(Category, code) if code else None
    names = [name for name in (code, category and category.parent_code) if name] + [""]
    query = select(SimilarityScale).where(SimilarityScale.category_code.in_(names))
    rows = {row.category_code: row.learned for row in db.session.scalars(query)}
    found = next((rows[name] for name in names if name in rows), None)
    return _read(found) if found else (similarity.PRIOR, frozenset())


def _read(found: dict[str, Any]) -> tuple[Scale, frozenset[str]]:
    none, rare, whole = (tuple(map(float, row)) for row in found["likelier"])
    a, b, c = map(float, found["fades_days"])
    weights = tuple(map(float, found.get("habit", ())))
    known = Scale((none, rare, whole), (a, b, c), int(found["rows"]), float(found["favour"]), weights)
    return known, frozenset(found["common"])


def _latest() -> list[tuple[str | None, Item]]:
    columns = (Case.category_code, Case.lat, Case.lon, Case.opened_at, Case.title)
    query = select(*columns).order_by(Case.id.desc()).limit(LEARNED_FROM)
    return [
        (code, Item(lat, lon, at.timestamp() / 86400, title))
        for code, lat, lon, at, title in db.session.execute(query)
        if lat is not None and lon is not None
    ]


def _decisions(parents: dict[str, str | None]) -> dict[str, list[Pair]]:
    """What the desk said of which two, of each kind, its parent and all; the oldest first."""
    case, other = aliased(Case), aliased(Case)
    both = (PairDecision.category_code, PairDecision.same, *_seen(case), *_seen(other))
    query = select(*both).join(case, case.id == PairDecision.case_id).join(other, other.id == PairDecision.other_id)
    order = (PairDecision.at.desc(), PairDecision.case_id.desc(), PairDecision.other_id.desc())
    said: dict[str, list[Pair]] = defaultdict(list)
    for code, same, *seen in reversed(db.session.execute(query.order_by(*order).limit(DECIDED_FROM)).all()):
        for name in {code or "", (code and parents.get(code)) or "", ""}:
            said[name].append((_place(*seen[:4]), _place(*seen[4:]), same))
    return said


def _seen(case: type[Case]) -> tuple[Any, ...]:
    return case.lat, case.lon, case.opened_at, case.title


def _place(lat: float | None, lon: float | None, at: datetime, title: str) -> Item | None:
    return Item(lat, lon, at.timestamp() / 86400, title) if lat is not None and lon is not None else None


def _learned(items: Iterable[Item], said: Sequence[Pair]) -> dict[str, Any]:
    items = list(items)[-similarity.MOST :]
    each = [similarity.words_of(item.text) for item in items]
    often = Counter(word for words in each for word in words)
    common = frozenset(word for word, many in often.items() if many > max(2.0, similarity.RARE * len(items)))
    rare = [replace(item, words=words - common) for item, words in zip(items, each, strict=True)]
    return asdict(_taught(similarity.learn(rare), said, common)) | {"common": sorted(common)}


def _taught(scale: Scale, said: Sequence[Pair], common: frozenset[str]) -> Scale:
    """The scale with what the desk decided: its habit where that shows, else more or less of everything."""
    yes = sum(same for *_, same in said)
    pairs = [(_without(a, common), _without(b, common), same) for a, b, same in said if a and b]
    seen = Counter(same for *_, same in pairs)
    if min(seen[True], seen[False]) < ENOUGH_OF_EACH:
        return replace(scale, favour=similarity.favour(yes, len(said) - yes))
    return habit.learn(scale, ((a, b, geo.metres(a.lat, a.lon, b.lat, b.lon), same) for a, b, same in pairs))


def _without(item: Item, common: frozenset[str]) -> Item:
    return replace(item, words=similarity.words_of(item.text) - common)
