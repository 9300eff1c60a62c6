import pytest

from fieldapp.rules import workflow
from fieldapp.rules.workflow import ARROWS, ASSIGNEE, DESK, OPEN, REPORTER, Refused, Status


def test_each_step_has_one_arrow() -> None:
    keys = [(arrow.action, arrow.source, arrow.by) for arrow in ARROWS]
    assert len(keys) == len(set(keys))


def test_every_open_status_leads_to_an_end() -> None:
    for start in OPEN:
        reached, frontier = {start}, [start]
        while frontier:
            here = frontier.pop()
            onward = {arrow.result for arrow in ARROWS if arrow.source == here} - reached
            reached |= onward
            frontier += onward
        assert Status.CLOSED in reached, start


def test_only_an_undo_leads_out_of_a_merge_and_nothing_else_is_a_dead_end() -> None:
    ways = {status: {arrow.action for arrow in ARROWS if arrow.source == status} for status in Status}
    assert ways.pop(Status.MERGED) == {"unmerge", "restore"}
    assert all(ways.values())


def test_the_reporter_can_always_dispute_a_closure() -> None:
    assert workflow.step("dispute", Status.CLOSED, frozenset({REPORTER}), "", False).result == Status.NEW


@pytest.mark.parametrize(
    ("action", "status", "part", "note", "target", "reason"),
    [
        ("fly", Status.NEW, DESK, "", False, "unknown"),
        ("accept", Status.NEW, ASSIGNEE, "", False, "not_yours"),
        ("accept", Status.CLOSED, DESK, "", False, "not_now"),
        ("decline", Status.NEW, DESK, "  ", False, "note_needed"),
        ("dispatch", Status.NEW, DESK, "", False, "target_needed"),
        ("confirm", Status.CLOSED, DESK, "", False, "not_yours"),
    ],
)
def test_a_refusal_says_why(
    action: str, status: Status, part: workflow.Part, note: str, target: bool, reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        workflow.step(action, status, frozenset({part}), note, target)
    assert refused.value.reason == reason
    assert refused.value.status == status


def test_what_is_offered_can_be_done() -> None:
    for status in Status:
        for arrow in workflow.available(status, frozenset(workflow.Part)):
            assert workflow.step(arrow.action, status, frozenset({arrow.by}), "原因", True) == arrow
