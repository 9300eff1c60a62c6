"""台账导出 at the desk: what will be written, the file that is written while it is sent, and how far it is."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, jsonify, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from fieldapp import clock, directory, exports
from fieldapp.db import writing
from fieldapp.errors import Conflict, NotHere
from fieldapp.models import Case, Export
from fieldapp.queue import LANES, Filter
from fieldapp.rules import masking, sheets
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.severity import COLOUR
from fieldapp.rules.sheets import Cell
from fieldapp.web import api, filters, term_words, tongue, words
from fieldapp.web.security import for_roles, limiter, user

bp = Blueprint("exports", __name__, url_prefix="/desk/export")

HEADS = (
    "编号", "级别", "状态", "种类", "标题", "村（社区）", "来源", "上报时间", "更新时间", "办结时间", "期限", "在等",
    "主办", "协办", "上报条数", "纬度", "经度",
)  # fmt: skip
LAT, LON = HEADS.index("纬度"), HEADS.index("经度")
MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
}  # fmt: skip


@bp.get("")
@for_roles(*WORKS_DESK)
def show() -> ResponseReturnValue:
    """What would be written, and in which form."""
    return _page()


@bp.post("/<kind>")
@for_roles(*WORKS_DESK)
@limiter.limit("20 per hour")
def take(kind: str) -> ResponseReturnValue:
    """The file. It is a POST though nothing of ours changes: to take data out leaves a line behind."""
    if kind not in exports.KINDS:
        raise NotHere(kind)
    wanted, officer, now = api.read_filter(), user(), clock.now()
    tongue.in_chinese()
    shaped = _Shape()
    try:
        with writing():
            export_id = exports.begin(officer, wanted, kind, _query(), now).id
    except Conflict as error:
        return _page(error.reason), 409
    rows = _rows(officer.id, wanted, export_id, shaped, now)
    name = f"台账-{clock.local(now):%Y%m%d-%H%M}.{kind}"
    answer = Response(stream_with_context(_file(kind, rows)), content_type=MEDIA[kind])
    answer.headers["Content-Disposition"] = f"attachment; filename=\"ledger.{kind}\"; filename*=UTF-8''{quote(name)}"
    answer.headers["X-Accel-Buffering"] = "no"  # or a proxy would keep it all before it sends any
    return answer


@bp.get("/progress")
@for_roles(*WORKS_DESK)
def progress() -> ResponseReturnValue:
    """How far the officer's own last one is."""
    last = exports.latest(user())
    return jsonify(_progress(last, clock.now()) if last else {"state": "none"})


class _Shape:
    """One case as a row of cells, with no name but of those who were sent, and no number of a phone in it."""

    def __init__(self) -> None:
        self._kinds = {kind.code: kind.name for kind in directory.categories()}
        self._status = {code: str(name) for code, name in words.STATUS.items()}
        self._source = {code: str(name) for code, name in filters.SOURCE.items()}

    def page(self, cases: Sequence[Case]) -> list[list[Cell]]:
        """The rows of these."""
        held = exports.holders(cases)
        return [self._row(case, *held.get(case.id, ([], []))) for case in cases]

    def _row(self, case: Case, leads: list[str], assists: list[str]) -> list[Cell]:
        lat, lon = (None if at is None else round(at, 6) for at in (case.lat, case.lon))
        return [
            case.number, COLOUR[case.severity], self._status[case.status],
            self._kinds.get(case.category_code or "", ""), masking.mask(case.title), case.area.short_name,
            self._source.get(case.source, case.source),
            _local(case.opened_at), _local(case.changed_at), _local(case.closed_at), _local(case.due_at),
            _awaited(case), "、".join(leads), "、".join(assists), case.signals, lat, lon,
        ]  # fmt: skip


def _rows(officer_id: int, wanted: Filter, export_id: int, shape: _Shape, now: datetime) -> Iterator[list[Cell]]:
    """Every row; what was written is noted on the way, and whether it came to the end."""
    written, noted, whole = 0, 0, False
    try:
        for page in exports.pages(officer_id, wanted, now):
            shaped = shape.page(page)
            yield from shaped
            written += len(shaped)
            if written - noted >= exports.BEAT_ROWS:
                exports.beat(export_id, written, clock.now())
                noted = written
        whole = True
    finally:
        exports.end(export_id, written, whole, clock.now())


def _file(kind: str, rows: Iterable[list[Cell]]) -> Iterator[bytes]:
    if kind == "csv":
        return sheets.csv_file(HEADS, rows)
    return sheets.xlsx_file(HEADS, rows) if kind == "xlsx" else sheets.geojson_file(HEADS, rows, LAT, LON)


def _page(refused: str | None = None) -> str:
    wanted, wrong = filters.read(request.args)
    last, now = exports.latest(user()), clock.now()
    return render_template(
        "desk/export.html", wanted=wanted, chips=filters.chips(user(), wanted, request.args),
        complaint=filters.complaint(wrong), total=exports.count(user(), wanted), most=exports.COUNTED,
        query=_query(), refused=refused,
        lane=words.LANE[wanted.lane if wanted.lane in LANES else "open"],
        progress=_progress(last, now) if last and exports.running(last, now) else None,
    )  # fmt: skip


def _progress(last: Export, now: datetime) -> dict[str, Any]:
    state = "running" if exports.running(last, now) else "done" if last.whole else "broken"
    return {"id": last.id, "state": state, "rows": last.rows, "total": last.total}


def _awaited(case: Case) -> str:
    """As the case's page has it."""
    return term_words.parked(case) or (words.waits_for(case) if case.due_step else "")


def _query() -> str:
    return urlencode({name: request.args[name] for name in filters.NAMES if request.args.get(name)})


def _local(instant: datetime | None) -> datetime | None:
    return clock.local(instant).replace(tzinfo=None) if instant else None
