"""Cases that are likely the same event, each with a score and why; and the scales learned for them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, or_, select
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
    CaseEvent,
    Category,
    Kind,
    PairDecision,
    Report,
    SimilarityScale,
    User,
)
from fieldapp.rules import geo, habit, similarity
from fieldapp.rules.similarity import Item, Scale, Wording
from fieldapp.rules.workflow import MERGES, OPEN, Status

OVER_SINCE = timedelta(days=14)  # what was closed lately may be meant as well
LOOKED_AT, OFFERED, LEAST = 60, 5, 0.25
ANOTHER_KIND, UNKNOWN_KIND = 0.2, 0.5
SAME_VILLAGE_M = 250.0  # where one of them has no position
LEARNED_FROM, ENOUGH, FRESH = 20000, 200, timedelta(days=1)
DECIDED_FROM, ENOUGH_OF_EACH = 4000, 20  # the latest decisions; so many yes and so many no show a habit
UNDOES = frozenset({"unmerge", "restore", "taken_out"})

Pair = tuple[Item | None, Item | None, bool]
Photo = tuple[UUID, str | None]  # and its looks, as the photo worker wrote them
Looks = dict[int, list[Photo]]  # by case
Scales = dict[str | None, tuple[Scale, frozenset[str]]]


@dataclass(frozen=True)
class Offer:
    """Another case that may be the same event, and what speaks for it: the same seen from either of the two.

    `inward`: what can be merged is the other, into the case at hand. `undone`: the two were merged, and this line of
    history took them apart.
    """

    case: Case
    score: float
    metres: int | None
    minutes: int
    later: bool
    inward: bool
    same_kind: bool | None  # none: of one of them it is not known
    words: str
    alike: bool
    thumb: UUID | None
    undone: CaseEvent | None = None

    @property
    def open(self) -> bool:
        """Only an open one can take another in."""
        return self.case.status in OPEN


def likely(user: User, case: Case, now: datetime) -> list[Offer]:
    """The likeliest of the town of those that can be merged with this one, earlier and later, best first."""
    around = _candidates(user, case, now) if case.status in OPEN else []
    undone = _not_refused(case, around) if around else {}
    found = [other for other in around if other.id in undone]
    if not found:
        return []
    ids = [case.id, *(other.id for other in found)]
    scales = _scales({max(case, other, key=_came).category_code for other in found})
    texts, looks = _texts(ids), _looks(ids)
    offers = [replace(_offer(case, other, scales, texts, looks), undone=undone[other.id]) for other in found]
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
    """Keep what the desk said of these two, whichever of them it had before it: the last word counts."""
    earlier, later = sorted((case, other), key=_came)
    turned = (PairDecision.case_id == earlier.id) & (PairDecision.other_id == later.id)
    db.session.execute(delete(PairDecision).where(turned))
    row = PairDecision(case_id=later.id, other_id=earlier.id, category_code=later.category_code, same=same, at=now)
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


def _came(case: Case) -> int:
    return case.id


def _candidates(user: User, case: Case, now: datetime) -> list[Case]:
    """The latest around it that came before, and the first that came after. What is being dealt with already can only
    take others in.
    """
    mine = scope.cases(user) if user.town_code != case.town_code else select(Case)
    near, free = _near(mine.where(Case.town_code == case.town_code), case), case.status in MERGES
    # not by the primary key: that would walk along a million rows
    earlier, later = near.where(Case.id + 0 < case.id), near.where(Case.id + 0 > case.id)
    over = earlier.where(Case.closed_at.is_not(None), Case.closed_at >= now - OVER_SINCE, Case.status == Status.CLOSED)
    can = IS_OPEN if free else and_(IS_OPEN, Case.status.in_(MERGES))
    each = [earlier.where(can).order_by(Case.opened_at.desc()), later.where(can).order_by(Case.opened_at)]
    if free and case.lat is not None:
        each.append(over.order_by(Case.closed_at.desc()))
    return [row for query in each for row in db.session.scalars(query.limit(LOOKED_AT)).all()]


def _not_refused(case: Case, found: Sequence[Case]) -> dict[int, CaseEvent | None]:
    """Those of which the desk did not say 不是一回事, by their ids. An undone merge is no such word: they may have been
    merged too soon, or the wrong way; the line of history that undid it comes along.
    """
    ids = [other.id for other in found]
    one, two = PairDecision.case_id, PairDecision.other_id
    either = or_((one == case.id) & two.in_(ids), (two == case.id) & one.in_(ids))
    refused = dict(
        db.session.execute(select(one + two - case.id, PairDecision.at).where(either, ~PairDecision.same)).all()
    )
    undone = {line.data.get("from"): line for line in case.events if line.action in UNDOES} if refused else {}
    lines = {other.id: undone.get(other.number) if other.id in refused else None for other in found}
    return {n: line for n, line in lines.items() if n not in refused or (line and line.at >= refused[n])}


def _near(query: Select[Case], case: Case) -> Select[Case]:
    if case.lat is None or case.lon is None:
        return query.where(Case.area_code == case.area_code)
    return _around(query, case.lat, case.lon)


def _around(query: Select[Case], lat: float, lon: float) -> Select[Case]:
    north = similarity.REACH / geo.METRES_PER_DEGREE
    east = north / cos(radians(lat))
    return query.where(Case.lat.between(lat - north, lat + north), Case.lon.between(lon - east, lon + east))


def _offer(case: Case, other: Case, scales: Scales, texts: dict[int, str], looks: Looks) -> Offer:
    metres = _metres(case, other)
    earlier, later = sorted((case, other), key=_came)  # judged from the later one, whichever is looked at
    scale, common = scales[later.category_code]
    one, two = (_item(each, texts.get(each.id, each.title), common) for each in (later, earlier))
    bits, thumb = _alike(looks[case.id], looks[other.id])
    far = SAME_VILLAGE_M if metres is None else metres
    value = habit.likelihood(scale, one, two, far, bits)
    same = case.category_code == other.category_code
    known = case.category_code and other.category_code
    value *= 1.0 if same and known else ANOTHER_KIND if known else UNKNOWN_KIND
    inward = other.status in MERGES and (other is later or case.status not in MERGES)
    return Offer(
        other, similarity.score(value), None if metres is None else round(metres),
        int((later.opened_at - earlier.opened_at).total_seconds() // 60), other is later, inward,
        same if known else None, _both_say(one, two), bits is not None and bits <= similarity.ALIKE_BITS, thumb,
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


def _looks(ids: Sequence[int]) -> Looks:
    query = select(Report.case_id, Attachment.id, Attachment.looks).join(Attachment, Attachment.report_id == Report.id)
    ready = (Attachment.kind == Kind.PHOTO, Attachment.state == AttachmentState.READY)
    found: Looks = defaultdict(list)
    for case_id, photo, looks in db.session.execute(query.where(Report.case_id.in_(ids), *ready)):
        found[case_id or 0].append((photo, looks))
    return found


def _alike(mine: Sequence[Photo], theirs: Sequence[Photo]) -> tuple[int | None, UUID | None]:
    """How few bits the two most alike pictures differ in, and the other's picture to show."""
    pairs = [(_differ(a, b), photo) for _, a in mine for photo, b in theirs if a and b]
    if not pairs:
        return None, theirs[0][0] if theirs else None
    return min(pairs, key=lambda pair: pair[0])


def _differ(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _scales(codes: Collection[str | None]) -> Scales:
    """For each kind its scale, else its parent's, else that of all, else what is assumed."""
    kinds = select(Category.code, Category.parent_code).where(Category.code.in_([code for code in codes if code]))
    parents = dict(db.session.execute(kinds).all())
    named = {code: [name for name in (code, code and parents.get(code)) if name] + [""] for code in codes}
    query = select(SimilarityScale).where(
        SimilarityScale.category_code.in_({n for each in named.values() for n in each})
    )
    rows = {row.category_code: _read(row.learned) for row in db.session.scalars(query)}
    assumed = similarity.PRIOR, frozenset[str]()
    return {code: next((rows[name] for name in names if name in rows), assumed) for code, names in named.items()}


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
