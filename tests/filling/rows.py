"""A made-up case as the rows that the product would have written."""

import json
import random
from datetime import UTC, datetime

from fieldapp import clock
from fieldapp.search import Entry
from tests.filling import calls, clocks, words
from tests.filling.bulk import Bulk, Event, dashed
from tests.filling.lives import Life, Telling

COLUMNS = {
    "cases": (
        "id", "number", "town_code", "area_code", "category_code", "severity", "status", "title", "lat", "lon",
        "opened_at", "changed_at", "closed_at", "due_step", "due_since", "due_at", "due_minutes", "due_kind",
        "extended_minutes", "paused_at", "paused_until", "paused_why", "nudged", "next_nudge_at", "nudged_at",
        "supervised_at",
        "source", "signals", "reopened", "satisfied", "merged_into_id", "version",
    ),
    "reports": (
        "id", "owner_id", "case_id", "content_hash", "text", "category_code", "severity", "area_code", "lat", "lon",
        "accuracy_m", "age_s", "position_source", "captured_at", "clock_offset_s", "received_at", "completed_at",
        "satisfied",
    ),
    "case_events": ("id", "case_id", "at", "action", "actor_id", "source", "result", "note", "data"),
    "assignments": (
        "id", "case_id", "user_id", "department_id", "lead", "sent_at", "acknowledged_at", "departed_at", "arrived_at",
        "answered_at",
    ),
    "alerts": (
        "id", "case_id", "town_code", "purpose", "severity", "state", "title", "body", "path", "raised_at", "rung",
        "policy", "next_step_at", "unreached_at", "acknowledged_at", "acknowledged_by_id",
    ),
    "deliveries": (
        "id", "alert_id", "user_id", "channel", "rung", "turn", "why", "copied", "state", "attempts", "created_at",
        "updated_at", "expires_at", "accepted_at", "shown_at", "opened_at",
    ),
    "attachments": (
        "id", "kind", "report_id", "owner_id", "position", "sha256", "bytes", "media_type", "state", "received_at",
        "ready_at", "width", "height", "looks", "attempts",
    ),
    "pair_decisions": ("case_id", "other_id", "category_code", "same", "at"),
}  # fmt: skip
PHOTOS = 0.3


class Rows:
    """The rows of one batch by table; `put` adds a case's, `write` inserts them all."""

    def __init__(self, bulk: Bulk, chance: random.Random, now: float) -> None:
        self.bulk, self.chance, self.now, self.at = bulk, chance, now, bulk.at
        self.event_id, self.assignment_id = bulk.next_id("case_events"), bulk.next_id("assignments")
        self.rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in COLUMNS}
        self.events: list[tuple[float, int, Event]] = []
        self.entries: list[Entry] = []
        self.kinds: dict[str, str] = {}

    def write(self) -> None:
        """Histories in the order of their times, as many cases at once write them."""
        self.events.sort(key=lambda one: one[0])
        self.rows["case_events"] = [
            (number, case_id, self.at(when), *rest)
            for number, (_, case_id, (when, *rest)) in enumerate(self.events, start=self.event_id)
        ]
        self.event_id += len(self.events)
        for table, columns in COLUMNS.items():
            self.bulk.write(table, columns, self.rows[table])
            self.rows[table] = []
        self.events, self.entries = [], []

    def put(self, life: Life) -> None:
        """Everything about one case. Its number, and those of the ones it took in, are known by now."""
        events = self._history(life)
        if life.into is None:
            events += calls.of(life, self._title(life), self)
        events.sort(key=lambda event: event[0])
        self.events += [(event[0], life.id, event) for event in events]
        self._case(life, events)
        self._assignment(life)
        told = [] if life.into else [life.first, *life.joined, *(other.first for other in life.merged)]
        for telling in told:
            self._report(life, telling)
        if life.into:
            self.rows["pair_decisions"].append(
                (life.id, life.into.id, life.scene.category, 1, self.at(life.steps[-1][0]))
            )
        texts = [one.text for one in told if one.text] + [event[5] for event in events if event[5]]
        self.entries.append(
            Entry(life.id, life.number, life.town.code, life.village.code, life.scene.category, life.status,
                  self._title(life), tuple(texts))
        )  # fmt: skip

    def _case(self, life: Life, events: list[Event]) -> None:
        at, first = self.at, life.first
        run = clocks.running(life, self.now) if life.ended is None else {}
        since, until = life.parked or (None, None)
        moves = len(life.steps) + len(life.joined) + len(life.merged) + (life.confirmed is not None) + bool(life.parked)
        self.rows["cases"].append((
            life.id, life.number, life.town.code, life.village.code, life.scene.category, int(life.severity),
            life.status.value, self._title(life), first.lat, first.lon, at(life.opened), at(events[-1][0]),
            at(life.ended), run.get("due_step"), at(run.get("due_since")), at(run.get("due_at")),
            run.get("due_minutes"), run.get("due_kind"), 0, at(since), at(until),
            words.PARKED[life.id % len(words.PARKED)] if life.parked else None, run.get("nudged", 0),
            at(run.get("next_nudge_at")), at(run.get("nudged_at")), at(run.get("supervised_at")), life.source.value,
            1 + len(life.joined) + len(life.merged), 0, 1 if life.confirmed else None,
            life.into.id if life.into else None, 1 + moves,
        ))  # fmt: skip

    def _history(self, life: Life) -> list[Event]:
        first, desk, crew = life.first, life.desk.id, life.crew.id
        events: list[Event] = [
            (life.opened, "report", first.owner.id, None, "new", "", f'{{"report": "{dashed(first.id)}"}}')
        ]
        for when, action, before, after in life.steps:
            who = crew if action in ("acknowledge", "depart", "arrive", "report_outcome") else desk
            events.append((when, action, who, before.value, after.value, self._note(action), self._data(life, action)))
        events += [
            (one.at, "joined", one.owner.id, None, None, "", f'{{"reports": ["{dashed(one.id)}"]}}')
            for one in life.joined
        ]
        events += [
            (other.steps[-1][0], "merged_in", desk, None, None, "", _merged_in(life, other)) for other in life.merged
        ]
        if life.confirmed:
            events.append((life.confirmed, "confirm", first.owner.id, "closed", "closed", "", "{}"))
        if life.parked:
            until = json.dumps({"until": clock.rfc3339(datetime.fromtimestamp(life.parked[1], UTC))})
            why = words.PARKED[life.id % len(words.PARKED)]
            events.append((life.parked[0], "park", desk, life.status.value, life.status.value, why, until))
        return events + _late(life, self.now)

    def _note(self, action: str) -> str:
        if action == "report_outcome":
            return self.chance.choice(words.OUTCOMES)
        return self.chance.choice(words.DECLINED) if action == "decline" else ""

    def _data(self, life: Life, action: str) -> str:
        if action == "dispatch":
            return f'{{"to": [{self._sent_to(life)}]}}'
        if action != "merge" or life.into is None:
            return "{}"
        since = datetime.fromtimestamp(life.opened, UTC).isoformat()
        return json.dumps({
            "into": life.into.number, "reports": [dashed(life.first.id)], "calling": False, "due_step": "triage",
            "due_since": since,
        })  # fmt: skip

    @staticmethod
    def _sent_to(life: Life) -> str:
        return life.town.department[1] if life.by_department and life.town.department else life.crew.quoted

    def _assignment(self, life: Life) -> None:
        signed = life.when("acknowledge")
        sent = life.when("dispatch") or signed
        if sent is None:
            return
        by_department = life.by_department and life.town.department is not None
        times = (sent, signed, *(life.when(action) for action in ("depart", "arrive", "report_outcome")))
        self.rows["assignments"].append((
            self.assignment_id, life.id, None if by_department else life.crew.id,
            life.town.department[0] if by_department and life.town.department else None, 1, *map(self.at, times),
        ))  # fmt: skip
        self.assignment_id += 1

    def _report(self, life: Life, one: Telling) -> None:
        chance, at = self.chance, self.at(one.at)
        satisfied = 1 if life.confirmed and one is life.first else None
        self.rows["reports"].append((
            one.id, one.owner.id, life.id, f"{chance.getrandbits(256):064x}", one.text, life.scene.category,
            int(one.severity), life.village.code, one.lat, one.lon, round(4 + chance.random() * 40, 1), 2.0, "gps",
            self.at(one.at - 20), 0.02, at, at, satisfied,
        ))  # fmt: skip
        if chance.random() >= PHOTOS:
            return
        for position in range(1 + (chance.random() < 0.2)):
            self.rows["attachments"].append((
                f"{chance.getrandbits(128):032x}", "photo", one.id, one.owner.id, position,
                f"{chance.getrandbits(256):064x}", 180_000 + int(chance.random() * 900_000), "image/jpeg", "ready", at,
                at, 1600, 1200, f"{chance.getrandbits(64):016x}", 1,
            ))  # fmt: skip

    def _title(self, life: Life) -> str:
        if life.first.text:
            return words.title(life.first.text)
        return self.kinds.get(life.scene.category or "", "未说明,请看照片或听录音")


def _late(life: Life, now: float) -> list[Event]:
    """What was said of deadlines."""
    found: list[Event] = []
    for step, since, until in clocks.stretches(life):
        for at, word in clocks.said(life, step, since, until or now):
            if clocks.is_told(step, word):
                found.append((at, word.value, None, None, None, "", "{}"))
    return found


def _merged_in(life: Life, other: Life) -> str:
    return json.dumps({
        "from": other.number, "reports": [dashed(other.first.id)], "with": "blue", "before": life.severity.word,
        "called": False,
    })  # fmt: skip
