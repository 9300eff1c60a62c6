"""外来台账: other offices' ledgers (hotline, visits, police, opinion, public) become cases, each row exactly once.

A file is brought, looked at with its columns named, and confirmed; from then on the worker takes it in, a few rows in
each transaction, through the intake of every other report. A row's report has an id that is derived from its source
and number, so that the database's key keeps it from coming twice, whoever sends what again. Nobody who stands in such
a ledger comes in: its reporter is the office (ADR 28).
"""

import json
import logging
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from fieldapp import cases, intake
from fieldapp.clock import rfc3339
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.ledgercheck import NAMES, Checked, Line, check
from fieldapp.models import Ledger, LedgerState, User
from fieldapp.rules import ledger as tables
from fieldapp.rules.roles import WORKS_DESK, Role
from fieldapp.rules.sources import Source

MOST_BYTES = 5 * 1024 * 1024
BATCH = 10  # rows in one transaction: others wait some hundredths of a second for the lock
KEPT_FOR = timedelta(days=7)
FAILED_FOR = timedelta(seconds=10)
SOURCES = tuple(source for source in Source if source not in (Source.PATROL, Source.OTHER))

log = logging.getLogger(__name__)
_failing: dict[tuple[str, int], datetime] = {}  # whose rows failed in this process, and when: others get their turn
_plan: tuple[tuple[str, int], list[dict[str, Any]]] | None = None  # the one that is being taken in


@dataclass(frozen=True)
class Ready:
    """What would be taken in: made of a whole file, so beforehand, and only valid while its columns are the same."""

    ledger_id: int
    settings: dict[str, Any]
    mark: str
    total: int
    content: bytes
    faulty: bytes


def read(officer: User, data: bytes, name: str, source: str, now: datetime) -> Ledger:
    """A file with what may be kept of it, for `bring`. It takes its time: not for inside a transaction.
    Raises Invalid and NotAllowed.
    """
    if not officer.plays(WORKS_DESK):
        raise NotAllowed("role")
    if source not in SOURCES:
        raise Invalid({"source": "unknown"})
    try:
        table = tables.read(data)
    except tables.BadFile as bad:
        raise Invalid({"file": bad.reason}) from bad
    return Ledger(
        town_code=officer.town_code, user_id=officer.id, source=source, name=name.replace("\x00", "")[:100],
        settings={"columns": tables.guess(table.heads), "gcj": False}, content=_pack(vars(table)),
        total=len(table.rows), created_at=now,
    )  # fmt: skip


def bring(ledger: Ledger) -> int:
    """Keep a file that was read, for looking at. Commit is the caller's."""
    _forget(ledger.created_at)
    db.session.add(ledger)
    db.session.flush()
    return ledger.id


def of_town(officer: User, limit: int = 10) -> list[Ledger]:
    """The newest of the officer's town."""
    query = select(Ledger).where(Ledger.town_code == officer.town_code).order_by(Ledger.id.desc())
    return list(db.session.scalars(query.limit(limit)))


def one(officer: User, ledger_id: int, held: bool = False) -> Ledger:
    """One of the officer's town. Raises NotHere."""
    query = select(Ledger).where(Ledger.id == ledger_id, Ledger.town_code == officer.town_code)
    found = db.session.scalar(query.with_for_update().execution_options(populate_existing=True) if held else query)
    if found is None or not officer.plays(WORKS_DESK):
        raise NotHere(str(ledger_id))
    return found


def table(ledger: Ledger) -> tables.Table:
    """What was kept of a file that is only being looked at."""
    return tables.Table(**_unpack(ledger.content))


def name_columns(officer: User, ledger_id: int, columns: dict[str, int], gcj: bool) -> None:
    """Say anew which column is what. Commit is the caller's. Raises Conflict once it was confirmed."""
    ledger = _draft(officer, ledger_id)
    width = len(table(ledger).heads)
    ledger.settings = {"columns": {f: n for f, n in columns.items() if 0 <= n < width}, "gcj": gcj}


def look(officer: User, ledger: Ledger, now: datetime) -> Checked:
    """Every row with what would become of it; nothing is written."""
    return check(officer, ledger, table(ledger), now)


def remove(officer: User, ledger_id: int) -> None:
    """Not this one after all. Commit is the caller's. Raises Conflict once it was confirmed."""
    db.session.delete(_draft(officer, ledger_id))


def ready(officer: User, ledger_id: int, now: datetime) -> Ready:
    """What `confirm` would take in. It takes its time: not for inside a transaction. Raises Conflict once it was
    confirmed.
    """
    ledger = _draft(officer, ledger_id, held=False)
    kept = table(ledger)
    found = check(officer, ledger, kept, now)
    bad = [[*line.cells, line.problem] for line in found.lines if line.problem]
    return Ready(
        ledger_id, ledger.settings, found.mark, len(found.good), _pack([_planned(line) for line in found.good]),
        _pack({"heads": kept.heads, "rows": bad}),
    )  # fmt: skip


def confirm(officer: User, found: Ready, shown: str, now: datetime) -> None:
    """Take in all rows that were shown as good; `shown` is the mark of what was. Commit is the caller's.

    Raises Conflict("ledger_changed") when it would be other rows now, and Invalid when there is none.
    """
    ledger = _draft(officer, found.ledger_id)
    if found.mark != shown or ledger.settings != found.settings:
        raise Conflict("ledger_changed")
    if not found.total:
        raise Invalid({"file": "ledger_none_good"})
    office(officer.town_code, Source(ledger.source), now)
    ledger.faulty, ledger.content, ledger.total, ledger.done = found.faulty, found.content, found.total, 0
    ledger.state, ledger.confirmed_at = LedgerState.RUNNING, now


def faulty(ledger: Ledger) -> tuple[list[str], list[list[str]]]:
    """The heads, and the rows that were not taken, each with the key of why at its end."""
    kept = _unpack(ledger.faulty) if ledger.faulty else {"heads": [], "rows": []}
    return kept["heads"], kept["rows"]


def carry_on(now: datetime) -> bool:
    """Take in the next rows of the oldest that was confirmed; True while there is more. A worker that is killed loses
    at most a transaction, and the next one goes on where the last commit was. One that fails as a whole is passed
    over for a while.
    """
    place = str(db.engine.url)
    skipped = [one for (at, one), since in _failing.items() if at == place and since <= now < since + FAILED_FOR]
    running = select(Ledger.id).where(Ledger.state == LedgerState.RUNNING, Ledger.id.not_in(skipped))
    ledger_id = db.session.scalar(running.order_by(Ledger.id).limit(1))
    db.session.rollback()
    if ledger_id is None:
        return False
    try:
        _step(ledger_id, now)
        _failing.pop((place, ledger_id), None)
    except Exception:  # one that cannot be helped must not hold up the next
        log.exception("ledger %s: its next rows failed", ledger_id)
        _failing[place, ledger_id] = now
    return True


def office(town: str, source: Source, now: datetime) -> User:
    """The office that a source stands for in a town: a function and nobody's account, like a department's seat."""
    username = f"source-{town}-{source}"
    found = db.session.scalar(select(User).where(User.username == username))
    if found is None:
        found = User(
            username=username, name=NAMES[source], role=Role.PATROL, area_code=town, password_hash=None, active=False,
            seat=True, created_at=now,
        )  # fmt: skip
        db.session.add(found)
        db.session.flush()
    return found


def _step(ledger_id: int, now: datetime) -> None:
    with writing():
        held = select(Ledger).where(Ledger.id == ledger_id, Ledger.state == LedgerState.RUNNING)
        ledger = db.session.scalar(held.with_for_update(skip_locked=True).execution_options(populate_existing=True))
        if ledger is not None:
            _next_rows(ledger, now)


def _next_rows(ledger: Ledger, now: datetime) -> None:
    owner = office(ledger.town_code, Source(ledger.source), now)
    failed = []
    for row in _planned_rows(ledger)[ledger.done : ledger.done + BATCH]:
        try:
            with db.session.begin_nested():
                fresh = _take(ledger, owner, row, now)
            ledger.opened += fresh
            ledger.known += not fresh
        except Conflict:
            ledger.known += 1  # it came meanwhile in other words; the first ones stay
        except (Invalid, NotAllowed, DataError, IntegrityError):
            failed.append([*row["cells"], "ledger_refused"])
        except OperationalError:
            raise  # the database's trouble is not the row's: all of them are tried again
        except Exception:
            log.exception("ledger %s: good row %s was not taken", ledger.id, ledger.done + 1)
            failed.append([*row["cells"], "ledger_refused"])
        ledger.done += 1
    if failed:
        heads, rows = faulty(ledger)
        ledger.faulty, ledger.failed = _pack({"heads": heads, "rows": rows + failed}), ledger.failed + len(failed)
    if ledger.done >= ledger.total:
        ledger.state, ledger.finished_at, ledger.content = LedgerState.DONE, now, b""


def _take(ledger: Ledger, owner: User, row: dict[str, Any], now: datetime) -> bool:
    body = row["body"] | {"owner": owner.id, "client_now": rfc3339(now)}
    report, fresh = intake.submit(owner, UUID(row["id"]), body, 0, now)
    if fresh and report.case:
        report.case.source = ledger.source
        said = " ".join(part for part in (NAMES[Source(ledger.source)], row["external"]) if part)
        cases.record(report.case, "from_ledger", ledger.user_id, now, data={"from": said, "ledger": ledger.id})
        db.session.flush()
    return fresh


def _planned(line: Line) -> dict[str, Any]:
    return {"id": str(line.report_id), "external": line.external, "body": line.body, "cells": line.cells}


def _planned_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """What was confirmed never changes, so it is unpacked once."""
    global _plan
    key = (f"{db.engine.url} {ledger.confirmed_at}", ledger.id)
    if _plan is None or _plan[0] != key:
        _plan = key, _unpack(ledger.content)
    return _plan[1]


def _draft(officer: User, ledger_id: int, held: bool = True) -> Ledger:
    ledger = one(officer, ledger_id, held)
    if ledger.state != LedgerState.DRAFT:
        raise Conflict("ledger_confirmed")
    return ledger


def _forget(now: datetime) -> None:
    """What was brought a week ago is not needed any more; the cases and their histories stand for themselves."""
    old = (Ledger.created_at < now - KEPT_FOR, Ledger.state != LedgerState.RUNNING)
    db.session.execute(delete(Ledger).where(*old))


def _pack(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"), 6)


def _unpack(packed: bytes) -> Any:
    return json.loads(zlib.decompress(packed))
