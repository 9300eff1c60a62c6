from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.rules import submission
from fieldapp.rules.severity import Severity
from fieldapp.rules.submission import BadSubmission

PHOTO = {"id": "0193a3a0-0000-7000-8000-000000000001", "sha256": "a" * 64, "bytes": 10}
GOOD: dict[str, Any] = {
    "text": "井盖破损",
    "position": {"lat": 22.97, "lon": 115.33, "accuracy_m": 10, "age_s": 0, "source": "gps"},
    "captured_at": "2026-11-23T20:00:00+08:00",
    "client_now": "2026-11-23T12:00:00Z",
    "owner": 7,
    "photos": [PHOTO],
}


def test_a_good_report_is_understood() -> None:
    parsed = submission.parse(GOOD, 100)
    assert parsed.severity == Severity.BLUE
    assert parsed.photos[0].bytes == 10
    assert parsed.captured_at == parsed.client_now


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"text": "", "photos": []}, "text", "empty_report"),
        ({"text": "井" * 2001}, "text", "too_long"),
        ({"text": 5}, "text", "not_text"),
        ({"owner": "7"}, "owner", "not_a_user_id"),
        ({"owner": True}, "owner", "not_a_user_id"),
        ({"severity": "green"}, "severity", "unknown"),
        ({"captured_at": "2026-11-23T20:00:00"}, "captured_at", "no_offset"),
        ({"captured_at": "gestern"}, "captured_at", "not_a_time"),
        ({"client_now": None}, "client_now", "not_a_time"),
        ({"position": {"lat": 91, "lon": 0, "source": "gps"}}, "position", "out_of_range"),
        ({"position": {"lat": float("nan"), "lon": 0, "source": "gps"}}, "position", "not_a_number"),
        ({"position": {"lat": 1, "lon": 1, "source": "tower"}}, "position", "unknown_source"),
        ({"position": "here"}, "position", "not_a_position"),
        ({"photos": [PHOTO] * 2}, "photos", "same_id_twice"),
        ({"photos": [PHOTO | {"bytes": 101}]}, "photos", "file_too_large"),
        ({"photos": [PHOTO | {"bytes": 0}]}, "photos", "empty_file"),
        ({"photos": [PHOTO | {"sha256": "A" * 64}]}, "photos", "not_a_sha256"),
        ({"photos": [PHOTO | {"id": "image.jpg"}]}, "photos", "not_a_uuid"),
        ({"photos": {}}, "photos", "not_a_list"),
        ({"photos": [PHOTO] * 10}, "photos", "too_many"),
    ],
)
def test_each_fault_is_named_by_field(change: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(BadSubmission) as bad:
        submission.parse(GOOD | change, 100)
    assert bad.value.errors[field] == reason


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadSubmission) as bad:
        submission.parse({"severity": "green", "photos": 1}, 100)
    assert set(bad.value.errors) == {"severity", "photos", "owner", "captured_at", "client_now"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(body=st.dictionaries(st.sampled_from([*GOOD, "village_code", "category", "severity", "voices"]), json_values))
def test_no_json_whatever_breaks_the_reader(body: dict[str, Any]) -> None:
    try:
        submission.parse(body, 100)
    except BadSubmission as bad:
        assert bad.errors
