from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.dossier import current_status, merge_all
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import Channel, ServiceLevel
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import Status
from lgsp_connectors.kit.mapping.derive import Facts, from_dossier, from_step

S = Status
BARE = Facts(
    portal="p",
    province="H37",
    dossier_code="H37.12-240705-0001",
    agency="H37.12",
    procedure="",
    domain="",
    service_level=ServiceLevel.UNKNOWN,
    channel=Channel.ONLINE,
    source_status="x",
    status=None,
    occurred_at=None,
    sequence=None,
    submitted_at=None,
    received_at=None,
    due_at=None,
    finished_at=None,
    returned_at=None,
    sealed=None,
    observed_at=1000,
)


def stated(**fields: Any) -> list[tuple[Status, int]]:
    events = from_dossier(BARE._replace(**fields))
    return sorted(((e.status, e.occurred_at) for e in events), key=lambda pair: pair[::-1])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": S.REGISTERED, "submitted_at": 1}, [(S.REGISTERED, 1)]),
        ({"status": S.REGISTERED, "submitted_at": 1, "received_at": 2}, [(S.REGISTERED, 1)]),
        ({"submitted_at": 1, "received_at": 2}, [(S.REGISTERED, 1), (S.RECEIVED, 2)]),
        ({"status": S.PROCESSING, "received_at": 2}, [(S.RECEIVED, 2), (S.PROCESSING, 2)]),
        (
            {"status": S.PROCESSING, "received_at": 2, "finished_at": 5},
            [(S.RECEIVED, 2), (S.PROCESSING, 5)],
        ),
        (
            {"status": S.PROCESSED, "received_at": 2, "finished_at": 5},
            [(S.RECEIVED, 2), (S.PROCESSED, 5)],
        ),
        (
            {"status": S.RESULT_RETURNED, "received_at": 2, "finished_at": 5, "returned_at": 7},
            [(S.RECEIVED, 2), (S.PROCESSED, 5), (S.RESULT_RETURNED, 7)],
        ),
        (
            {"status": S.RESULT_RETURNED, "received_at": 2, "finished_at": 5},
            [(S.RECEIVED, 2), (S.PROCESSED, 5), (S.RESULT_RETURNED, 5)],
        ),
        (
            {"status": S.STOPPED, "received_at": 2, "finished_at": 5},
            [(S.RECEIVED, 2), (S.STOPPED, 5)],
        ),
        (
            {"status": S.WITHDRAWN, "received_at": 2, "finished_at": 5},
            [(S.RECEIVED, 2), (S.WITHDRAWN, 5)],
        ),
        (
            {"status": S.REFUSED, "submitted_at": 1, "received_at": 2},
            [(S.REGISTERED, 1), (S.REFUSED, 2)],
        ),
        (
            {"status": S.PROCESSED, "received_at": 2, "finished_at": 5, "occurred_at": 9},
            [(S.RECEIVED, 2), (S.PROCESSED, 5), (S.PROCESSED, 9)],
        ),
    ],
)
def test_dates_and_status_state_the_transitions(
    fields: dict[str, Any], expected: list[tuple[Status, int]]
) -> None:
    assert expected == stated(**fields)


@pytest.mark.parametrize("status", sorted(SIMPLE.statuses.finished))
def test_finished_without_date_is_not_guessed(status: Status) -> None:
    with pytest.raises(RejectedRecord) as caught:
        stated(status=status, received_at=2)
    assert caught.value.reason is RejectReason.FINISHED_WITHOUT_DATE


@pytest.mark.parametrize("status", [S.STOPPED, S.PROCESSED])
def test_a_return_bounds_no_other_end(status: Status) -> None:
    with pytest.raises(RejectedRecord):
        stated(status=status, received_at=2, returned_at=7)


def test_a_return_bounds_the_finish_and_states_no_step_9() -> None:
    events = from_dossier(
        BARE._replace(status=S.RESULT_RETURNED, received_at=2, returned_at=7, occurred_at=9)
    )
    assert [(S.RECEIVED, 2), (S.RESULT_RETURNED, 7), (S.RESULT_RETURNED, 9)] == [
        (e.status, e.occurred_at) for e in events
    ]
    assert {7} == {e.finished_at for e in events}


def test_no_date_at_all_is_rejected() -> None:
    with pytest.raises(RejectedRecord) as caught:
        stated(status=S.RECEIVED)
    assert caught.value.reason is RejectReason.MISSING_FIELD


def test_open_row_with_its_change_time_reopens() -> None:
    last = from_dossier(BARE._replace(status=S.PROCESSING, received_at=2, occurred_at=9))[-1]
    assert (last.status, last.occurred_at, last.reopens) == (S.PROCESSING, 9, True)


times = st.none() | st.integers(10, 20)


@given(st.sampled_from(list(S)[1:]), times, times, times, times, times)
def test_the_dossier_stands_where_the_row_says(
    status: Status,
    submitted: int | None,
    received: int | None,
    finished: int | None,
    returned: int | None,
    changed: int | None,
) -> None:
    """The row's own status is always stated, whatever order its dates are in."""
    facts = BARE._replace(
        status=status,
        submitted_at=submitted,
        received_at=received,
        finished_at=finished,
        returned_at=returned,
        occurred_at=changed,
    )
    undated = not any((submitted, received, finished, returned, changed))
    bounded = status is S.RESULT_RETURNED and returned is not None
    unfinished = finished is None and not bounded
    if undated or (status in SIMPLE.statuses.finished and unfinished):
        with pytest.raises(RejectedRecord):
            from_dossier(facts)
        return
    events = from_dossier(facts)
    assert status in {e.status for e in events}
    assert len(events) == len({e.event_id for e in events})
    assert events == from_dossier(facts)
    if status in SIMPLE.statuses.not_received:
        assert S.RECEIVED not in {e.status for e in events}
    if status in SIMPLE.statuses.finished:
        (dossier,) = merge_all(events).values()
        assert current_status(dossier, SIMPLE.statuses) in SIMPLE.statuses.finished


def test_step_states_itself_and_the_finish_it_carries_once() -> None:
    rows = [
        BARE._replace(status=S.RECEIVED, occurred_at=2, finished_at=5, source_status="a"),
        BARE._replace(status=S.PROCESSING, occurred_at=7, finished_at=5, source_status="b"),
    ]
    events = [e for row in rows for e in from_step(row)]
    assert [e.status for e in events] == [S.RECEIVED, S.PROCESSED, S.PROCESSING, S.PROCESSED]
    assert events[1].event_id == events[3].event_id
    (dossier,) = merge_all(events).values()
    assert current_status(dossier, SIMPLE.statuses) is S.PROCESSED  # a late step does not reopen


@pytest.mark.parametrize("status", [S.REFUSED, S.WITHDRAWN, S.STOPPED, S.RESULT_RETURNED])
def test_step_that_ends_the_dossier_states_no_other_end(status: Status) -> None:
    events = from_step(BARE._replace(status=status, occurred_at=7, finished_at=5))
    assert [status] == [e.status for e in events]


@pytest.mark.parametrize("fields", [{"status": S.RECEIVED}, {"occurred_at": 3}])
def test_step_needs_status_and_time(fields: dict[str, Any]) -> None:
    with pytest.raises(RejectedRecord):
        from_step(BARE._replace(**fields))
