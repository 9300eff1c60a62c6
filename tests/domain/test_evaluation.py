"""The command that measures what is offered as a repeat."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from fieldapp.evaluation import evaluate_duplicates, followed, read, scored
from fieldapp.rules import yardstick

HEAD = "id,created,lat,lon,category,text,duplicate\n"
GOOD = (
    "1,2026-11-01T08:00:00,22.970000,115.330000,井盖,老街井盖,0\n"
    "2,2026-11-01T09:00:00,22.970100,115.330000,井盖,老街井盖,1\n"
    "3,2026-11-01T09:30:00,22.990000,115.350000,井盖,新村,0\n"
)
SHARED = Path(__file__).parents[3] / "shared/data"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reports.csv"


def run(file: Path, text: str) -> tuple[int, str]:
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(evaluate_duplicates, [str(file)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_it_prints_what_was_asked_for(file: Path) -> None:
    code, said = run(file, HEAD + GOOD)
    assert code == 0
    for words in (
        "average precision 1.000",
        "best F1 1.000",
        "best single radius",
        "FixMyStreet, 250 m: F1",
        "Signalen",
    ):
        assert words in said


def test_bad_rows_are_named_and_do_not_stop_it(file: Path) -> None:
    bad = "4,gestern,22.9,115.3,井盖,x,0\n5,2026-11-01,,115.3,井盖,x,0\n6,2026-11-01,22.9,nan,井盖,x,0\n"
    bad += "7,2026-11-01,22.9,115.3,井盖,x,vielleicht\n8,2026-11-01\n9,2026-11-02T10:00:00Z,22.9,115.3,,,0\n"
    code, said = run(file, "\ufeff" + HEAD + GOOD + bad)
    assert code == 0 and "rows 4, marked as repeats 1" in said
    for line in ("line 5: created", "line 6: lat", "line 7: lon", "line 8: duplicate", "line 9: too few"):
        assert line in said


@pytest.mark.parametrize(("text", "why"), [("", "columns missing"), ("id,lat\n1,2\n", "created"), (HEAD, "no row")])
def test_a_file_that_says_nothing_is_refused_in_one_sentence(file: Path, text: str, why: str) -> None:
    code, said = run(file, text)
    assert code != 0 and why in said


def test_without_decisions_the_column_that_is_judged_by_changes_nothing(file: Path) -> None:
    file.write_text(HEAD + GOOD, encoding="utf-8")
    before = scored(read(file)[0])
    file.write_text(HEAD + GOOD.replace(",1\n", ",0\n"), encoding="utf-8")
    assert scored(read(file)[0]) == before


def test_with_decisions_only_those_of_earlier_days_are_heard(file: Path) -> None:
    later = GOOD + "4,2026-11-02T09:00:00,22.970050,115.330000,井盖,老街井盖,1\n"
    file.write_text(HEAD + later, encoding="utf-8")
    before = followed(read(file)[0])
    file.write_text(HEAD + later.replace(",1\n", ",0\n"), encoding="utf-8")
    after = followed(read(file)[0])
    assert after[:3] == before[:3] and after[3] < before[3]


@pytest.mark.parametrize(("name", "without", "least"), [("potholes", 0.78, 0.83), ("garbage", 0.65, 0.65)])
def test_on_real_reports_it_is_no_worse_than_measured(name: str, without: float, least: float) -> None:
    path = SHARED / f"chicago311_{name}.csv"
    if not path.exists():
        pytest.skip("the public rows are not here")
    rows = read(path)[0]
    truth = [row.duplicate for row in rows]
    plainly, with_decisions = (yardstick.best(yardstick.curve(how(rows), truth)).f1 for how in (scored, followed))
    assert plainly >= without and with_decisions >= least
