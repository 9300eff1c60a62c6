"""What a phone sends, a report or a step: read strictly, every fault named by field. Format: docs/protocol.md."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from fieldapp.rules import severity as severities
from fieldapp.rules.severity import Severity

MAX_TEXT = 2000
MAX_PHOTOS = 9
MAX_VOICES = 1
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
SOURCES = ("gps", "pin", "village")
ENOUGH = ("text", "photos", "voices", "seen_case")  # one of them makes a report
FIELD_ACTIONS = ("acknowledge", "depart", "arrive", "report_outcome")  # taken where there may be no network
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadSubmission(ValueError):
    """Fields that cannot be taken, each with a reason key."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(str(errors))
        self.errors = errors


@dataclass(frozen=True)
class Position:
    """One fix: WGS-84 degrees, accuracy in metres, age of the fix in seconds, and how it was had."""

    lat: float
    lon: float
    accuracy_m: float | None
    age_s: float | None
    source: str


@dataclass(frozen=True)
class Item:
    """A file that will follow: its id, hash and size."""

    id: UUID
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Submission:
    """A report that was understood."""

    owner: int
    text: str
    category: str | None
    severity: Severity
    position: Position | None
    village_code: str | None
    captured_at: datetime
    client_now: datetime
    photos: tuple[Item, ...]
    voices: tuple[Item, ...]
    seen_case: str | None


@dataclass(frozen=True)
class StepSubmission:
    """A step in the field that was understood: what somebody did about a case, when, with photos that follow."""

    owner: int
    action: str
    note: str
    taken_at: datetime
    client_now: datetime
    photos: tuple[Item, ...]


def parse(body: object, max_bytes: int) -> Submission:
    """Read the JSON body of a report; files may be at most `max_bytes` each. Raises BadSubmission."""
    if not isinstance(body, Mapping):
        raise BadSubmission({"body": "not_an_object"})
    read = _Reader(body, max_bytes)
    found = {
        "owner": read("owner", _owner),
        "text": read("text", _text),
        "category": read("category", _optional_word),
        "severity": read("severity", _severity),
        "position": read("position", _position),
        "village_code": read("village_code", _optional_word),
        "captured_at": read("captured_at", _instant),
        "client_now": read("client_now", _instant),
        "photos": read("photos", lambda value: _items(value, MAX_PHOTOS, max_bytes)),
        "voices": read("voices", lambda value: _items(value, MAX_VOICES, max_bytes)),
        "seen_case": read("seen_case", _optional_word),
    }
    if not read.errors and not any(found[field] for field in ENOUGH):
        read.errors["text"] = "empty_report"
    ids = [item.id for item in (*(found["photos"] or ()), *(found["voices"] or ()))]
    if len(set(ids)) != len(ids):
        read.errors["photos"] = "same_id_twice"
    if read.errors:
        raise BadSubmission(read.errors)
    return Submission(**found)


def parse_step(body: Mapping[str, object], max_bytes: int) -> StepSubmission:
    """Read the JSON body of a step; photos may be at most `max_bytes` each. Raises BadSubmission."""
    read = _Reader(body, max_bytes)
    found = {
        "owner": read("owner", _owner),
        "action": read("action", _field_action),
        "note": read("note", _text),
        "taken_at": read("taken_at", _instant),
        "client_now": read("client_now", _instant),
        "photos": read("photos", lambda value: _items(value, MAX_PHOTOS, max_bytes)),
    }
    if not read.errors and found["action"] == "report_outcome" and not found["note"]:
        read.errors["note"] = "note_needed"
    if not read.errors and len({item.id for item in found["photos"]}) != len(found["photos"]):
        read.errors["photos"] = "same_id_twice"
    if read.errors:
        raise BadSubmission(read.errors)
    return StepSubmission(**found)


class _Reader:
    """Reads one field after another and remembers every fault instead of stopping at the first."""

    def __init__(self, body: Mapping[str, object], max_bytes: int) -> None:
        self.body = body
        self.errors: dict[str, str] = {}

    def __call__(self, field: str, reader: Any) -> Any:
        try:
            return reader(self.body.get(field))
        except _Fault as fault:
            self.errors[field] = fault.reason
        return None


class _Fault(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _fault(reason: str) -> NoReturn:
    raise _Fault(reason)


def _owner(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        _fault("not_a_user_id")
    return value


def _field_action(value: object) -> str:
    if value not in FIELD_ACTIONS:
        _fault("unknown")
    return str(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        _fault("not_text")
    if len(value) > MAX_TEXT:
        _fault("too_long")
    return value.replace("\x00", "").strip()


def _optional_word(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 20 or "\x00" in value:
        _fault("unknown")
    return value


def _severity(value: object) -> Severity:
    if value is None or value == "":
        return Severity.BLUE
    try:
        return severities.parse(str(value))
    except ValueError:
        _fault("unknown")


def check_position(value: object) -> None:
    """Raises BadSubmission unless this is a position, or none."""
    try:
        _position(value)
    except _Fault as fault:
        raise BadSubmission({"position": fault.reason}) from fault


def _position(value: object) -> Position | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        _fault("not_a_position")
    lat, lon = _number(value.get("lat"), -90, 90), _number(value.get("lon"), -180, 180)
    if value.get("source") not in SOURCES:
        _fault("unknown_source")
    return Position(lat, lon, _measure(value.get("accuracy_m")), _measure(value.get("age_s")), str(value["source"]))


def _number(value: object, low: float, high: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        _fault("not_a_number")
    if isinstance(value, float) and not math.isfinite(value):
        _fault("not_a_number")
    if not low <= value <= high:
        _fault("out_of_range")
    return float(value)


def _measure(value: object) -> float | None:
    return None if value is None else _number(value, 0, 1e12)


def _instant(value: object) -> datetime:
    try:
        instant = datetime.fromisoformat(str(value)) if isinstance(value, str) else _fault("not_a_time")
        if instant.tzinfo is None:
            _fault("no_offset")
        return min(max(instant, EARLIEST), LATEST).astimezone(UTC)  # a phone's clock may be anywhere
    except (ValueError, OverflowError):
        _fault("not_a_time")


def _items(value: object, most: int, max_bytes: int) -> tuple[Item, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        _fault("not_a_list")
    if len(value) > most:
        _fault("too_many")
    return tuple(_item(entry, max_bytes) for entry in value)


def _item(entry: object, max_bytes: int) -> Item:
    if not isinstance(entry, Mapping):
        _fault("not_an_item")
    sha256, size = entry.get("sha256"), entry.get("bytes")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        _fault("not_a_sha256")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        _fault("empty_file")
    if size > max_bytes:
        _fault("file_too_large")
    try:
        return Item(UUID(str(entry.get("id"))), sha256, size)
    except ValueError:
        _fault("not_a_uuid")
