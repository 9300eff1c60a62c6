"""Other offices' ledgers, and ours: read, guessed, masked, defused."""

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from fieldapp.clock import LOCAL
from fieldapp.rules import ledger, masking, sheets
from fieldapp.rules.severity import Severity

HOTLINE = (
    "工单编号;受理时间;诉求类别;来电人;联系电话;事发地点;诉求内容\r\n"
    'GD-1;2026-11-25 08:30;井盖;张三;13800138000;南门社区;"井盖没了,\r\n很危险，请回电 139 0013 8000"\r\n'
)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=60)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", ",;\t")
def test_a_file_is_read_as_offices_write_it_and_without_people(encoding: str, delimiter: str) -> None:
    text = HOTLINE.replace(";", delimiter)
    table = ledger.read(text.encode(encoding))
    assert table.personal == ["来电人", "联系电话"]
    assert ledger.guess(table.heads) == {"external": 0, "time": 1, "category": 2, "place": 3, "text": 4}
    assert table.rows[0][4] == "井盖没了,\r\n很危险，请回电 【电话已隐去】"
    assert "张三" not in str(table) and "138" not in str(table)


def test_columns_of_people_are_known_by_what_stands_in_them() -> None:
    rows = "单号,内容,甲,乙,丙\n1,路灯坏,13800138000,李小明,好\n2,积水,0660-6622333,王芳,\n3,占道,1,陈先生,好\n"
    table = ledger.read(rows.encode())
    assert table.heads == ["单号", "内容", "丙"] and table.personal == ["甲", "乙"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "ledger_no_table"), (b"a,b\n", "ledger_no_table"), (b"\xff\xfe\x00", "ledger_encoding"),
        (b"\x81\xff\xff", "ledger_encoding"), (b"a,b\n" + b"1,2\n" * 10_001, "ledger_too_many"),
        (b"text,b\n" + b'"' + b"x" * 140_000, "ledger_broken"),
        (b"a,b\n" + b"1,2\n" * 10_001 + b'"' + b"x" * 140_000, "ledger_too_many"),  # the rest is not read any more
        (b"a,b\n" + b"," * 61 + b"\n" + b'"' + b"x" * 140_000, "ledger_too_many"),
    ],
)  # fmt: skip
def test_what_is_no_table_gets_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ledger.BadFile) as bad:
        ledger.read(data)
    assert bad.value.reason == reason


def test_a_cell_without_end_is_cut_where_everybody_sees_it_and_not_inside_a_number() -> None:
    table = ledger.read(("单号,内容\n1," + "水" * 3990 + "13800138000" * 9000 + "\n2,好\n").encode())
    assert table.rows == [["1", "水" * 3990 + "…"], ["2", "好"]]


def test_a_run_of_digits_without_end_is_read_once_and_not_from_each_of_its_digits() -> None:
    digits = "1" * 300_000
    assert masking.mask(digits + "。") == digits + "。"
    assert masking.mask(digits + "…") == "…"


def test_numbers_of_orders_stay_a_column_and_can_be_told_apart_though_they_look_like_cards() -> None:
    table = ledger.read("编号,内容\n441521202611250012,灯坏\n441521202611250013,灯坏\nGD-3,积水\n".encode())
    assert (table.heads, table.personal) == (["编号", "内容"], [])
    assert [row[0] for row in table.rows] == ["【证件号已隐去】", "【证件号已隐去】", "GD-3"]
    first, second, third = (table.little(row, 0) for row in range(3))
    assert first and second and first != second and third is None
    assert "4415212026" not in str(table)


@given(st.binary(max_size=300))
def test_no_file_breaks_the_reader(data: bytes) -> None:
    try:
        table = ledger.read(data)
    except ledger.BadFile:
        return
    assert all(len(row) == len(table.heads) for row in table.rows)


@given(WORDS, st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), WORDS)
def test_no_number_of_a_phone_stays_in_a_text(before: str, number: str, after: str) -> None:
    masked = masking.mask(f"{before} {number}，{after}")
    assert number not in masked or number in before + after


@pytest.mark.parametrize(
    "said",
    ["441521199001011234", "44152119900101123X", "441521 19900101 1234", "441521900101123", "+86 138-0013-8000",
     "１３８００１３８０００", "0660-6622333", "(0660)6622333", "138 0013 8000"],
)  # fmt: skip
def test_numbers_of_people_are_taken_out(said: str) -> None:
    assert not any(mark.isdigit() for mark in masking.mask(f"请回电{said}，谢谢"))


@pytest.mark.parametrize(
    "said", ["2026-11-25 08:30:00", "GD20261125000123", "22.970512", "115.330123", "3 楼 12 号", "110", "12345"]
)
def test_other_numbers_stay(said: str) -> None:
    assert masking.mask(said) == said


def test_a_title_that_ends_inside_a_number_shows_no_part_of_it() -> None:
    assert masking.mask("井盖没了，电话1380013…") == "井盖没了，电话…"


def test_a_name_that_is_marked_as_one_is_taken_out() -> None:
    assert masking.mask("来电人：张三，反映井盖没了") == "来电人：【姓名已隐去】，反映井盖没了"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-11-25 08:30", "2026-11-25T08:30+08:00"), ("2026/1/5 8:03:09", "2026-01-05T08:03:09+08:00"),
        ("2026年11月25日20时30分", "2026-11-25T20:30+08:00"), ("2026.11.25", "2026-11-25T00:00+08:00"),
        ("2026-11-25T00:30:00Z", "2026-11-25T00:30+00:00"), ("46351.5", "2026-11-25T12:00+08:00"),
        ("2026-11-25 08:30:00.000", "2026-11-25T08:30+08:00"),
        ("昨天", None), ("2026-13-40", None), ("1899-01-01", None), ("25/11/2026", None),
    ],
)  # fmt: skip
def test_times_as_offices_write_them(said: str, meant: str | None) -> None:
    assert ledger.moment(said, LOCAL) == (datetime.fromisoformat(meant).astimezone(UTC) if meant else None)


def test_levels_of_other_offices() -> None:
    assert [ledger.level(word) for word in ("特急", "紧急", "一般", "Red", "十万火急")] == [
        Severity.RED, Severity.YELLOW, Severity.BLUE, Severity.RED, None,
    ]  # fmt: skip


@given(WORDS)
def test_no_text_is_a_formula_in_csv_and_every_text_comes_back(text: str) -> None:
    written = b"".join(sheets.csv_file(["标题"], [[text]])).decode()
    assert written.startswith("\ufeff")
    ((_,), *rest) = csv.reader(io.StringIO(written[1:], newline=""))
    cell = rest[0][0] if rest and rest[0] else ""
    assert not cell.startswith(sheets.DANGEROUS)
    assert cell.removeprefix("'") == text.removeprefix("'")


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_a_workbook_holds_every_text_as_text(texts: list[str]) -> None:
    rows = [[text, 3, 1.5, datetime(2026, 11, 25, 8, 30), None] for text in texts]
    book = load_workbook(io.BytesIO(b"".join(sheets.xlsx_file(["甲", "乙", "丙", "丁", "戊"], rows))))
    read = list(book.worksheets[0].iter_rows(min_row=2))
    for row, text in zip(read, texts, strict=True):
        assert row[0].data_type != "f"
        assert (row[0].value or "") == sheets.UNPRINTABLE.sub("", text)
        assert [cell.value for cell in row[1:4]] == [3, 1.5, datetime(2026, 11, 25, 8, 30)]


def test_no_time_in_a_workbook_falls_short_of_its_minute() -> None:
    minutes = [datetime(2026, 11, 26) + timedelta(minutes=n) for n in range(24 * 60)]
    book = zipfile.ZipFile(io.BytesIO(b"".join(sheets.xlsx_file(["时间"], [[at] for at in minutes]))))
    written = re.findall(r'<c s="1"><v>([0-9.]+)</v>', book.read("xl/worksheets/sheet1.xml").decode())
    read = [sheets.EPOCH + timedelta(days=float(number)) for number in written]
    assert [abs(got - at) < timedelta(microseconds=2) for got, at in zip(read, minutes, strict=True)].count(False) == 0


def test_a_full_sheet_is_followed_by_another() -> None:
    data = b"".join(sheets.xlsx_file(["n"], [[n] for n in range(7)], sheet_rows=3))
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    book = load_workbook(io.BytesIO(data), read_only=True)
    assert [[row[0] for row in sheet.values] for sheet in book] == [["n", 0, 1, 2], ["n", 3, 4, 5], ["n", 6]]
    book.close()


def test_points_are_written_longitude_first_and_what_has_no_place_has_no_geometry() -> None:
    rows = [["=1+1", 22.97, 115.33], ["无处", None, None]]
    found = json.loads(b"".join(sheets.geojson_file(["标题", "纬度", "经度"], rows, 1, 2)))
    assert [one["geometry"] for one in found["features"]] == [{"type": "Point", "coordinates": [115.33, 22.97]}, None]
    assert found["features"][0]["properties"] == {"标题": "=1+1"}
