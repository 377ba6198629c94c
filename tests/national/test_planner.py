"""What is sent of a dossier, and what never is."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.dossier import Dossier, current_status, merge_all
from lgsp.domain.event import Channel, DossierEvent
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.mocks.national.contract import fault_of_record, fault_of_step
from lgsp.national.acknowledged import Acknowledged, after_look_up, decode
from lgsp.national.planner import Draft, Held, HeldReason, draft, plan
from lgsp.national.pushed import not_kept
from lgsp.national.wire import Names, wire_time
from tests.domain.events import event_sets
from tests.national.dossiers import CODE, HOUR, START, step, steps

NAMES = Names("Thủ tục mẫu", "G03-GD10", "Giáo dục")


def merged(events: list[DossierEvent]) -> Dossier:
    return merge_all(events)[CODE]


def drafted(events: list[DossierEvent], **person: str) -> Draft:
    found = draft(merged(events), SIMPLE.statuses, NAMES, person)
    assert isinstance(found, Draft)
    return found


def test_writes_the_record_of_a_finished_dossier() -> None:
    record = drafted(
        steps(1, 2, 4, 9, 10, finished_at=START + 3 * HOUR, due_at=START + 9 * HOUR),
        owner_name="NGUYEN VAN TEST",
        owner_id="000000000001",
    ).record

    assert "10" == record["TrangThaiHoSo"]
    assert "20240108080000" == record["NgayNopHoSo"]
    assert "20240108090000" == record["NgayTiepNhan"]
    assert "20240108170000" == record["NgayHenTra"]
    assert "20240108110000" == record["NgayKetThucXuLy"]
    assert "20240108120000" == record["NgayTra"]
    assert "2" == record["KenhThucHien"]
    assert [{"LoaiDinhDanh": "1", "SoDinhDanh": "000000000001"}] == record["DinhDanhCHS"]
    assert fault_of_record(record) is None


@pytest.mark.parametrize("status", [5, 6, 7, 8])
def test_never_rewrites_a_status(status: int) -> None:
    assert str(status) == drafted(steps(2, status)).record["TrangThaiHoSo"]


def test_sends_a_dossier_that_is_only_registered() -> None:
    found = drafted(steps(1))

    assert ("1", "") == (found.record["TrangThaiHoSo"], found.record["NgayTiepNhan"])
    assert fault_of_record(found.record) is None
    assert ["1"] == [s.record["TrangThai"] for s in found.steps]


def test_invents_no_reception_for_a_dossier_withdrawn_before_it() -> None:
    record = drafted(steps(1, 7)).record

    assert ("7", "") == (record["TrangThaiHoSo"], record["NgayTiepNhan"])


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (steps(0), HeldReason.UNMAPPED_STATUS),
        (steps(2, procedure=""), HeldReason.UNMAPPED_PROCEDURE),
        (steps(2, procedure="TS_lop1.000.00.00.H22"), HeldReason.UNMAPPED_PROCEDURE),
    ],
)
def test_holds_what_is_not_mapped(events: list[DossierEvent], reason: HeldReason) -> None:
    assert Held(reason) == draft(merged(events), SIMPLE.statuses, NAMES)


def test_holds_a_foreign_code_and_an_unknown_procedure() -> None:
    foreign = merge_all([step(0, 2, "HS-1")])["HS-1"]

    assert Held(HeldReason.DOSSIER_CODE) == draft(foreign, SIMPLE.statuses, NAMES)
    assert Held(HeldReason.UNKNOWN_PROCEDURE) == draft(merged(steps(2)), SIMPLE.statuses, None)


def test_sends_neither_illegal_nor_unmapped_nor_repeated_steps() -> None:
    found = drafted(steps(2, 4, 0, 4, 9, 4))

    assert ["2", "4", "9"] == [s.record["TrangThai"] for s in found.steps]
    assert "9" == found.record["TrangThaiHoSo"]


def test_drops_the_finishing_date_of_a_reopened_dossier() -> None:
    events = steps(2, 9, finished_at=START + HOUR)
    events.append(step(2, 4, reopens=True))

    assert "" == drafted(events).record["NgayKetThucXuLy"]
    assert "4" == drafted(events).record["TrangThaiHoSo"]


def test_plans_only_what_is_not_acknowledged() -> None:
    wanted = drafted(steps(1, 2, 4))
    first = plan(wanted, Acknowledged())
    known = Acknowledged().with_record(wanted.record_digest).with_steps(s.key for s in first.steps)

    assert (True, (), 3) == (first.changed, first.late, len(first.steps))
    assert plan(wanted, known).empty
    assert known == decode(known.encode())
    assert Acknowledged() == decode(None)


def test_sends_a_late_step_before_the_record() -> None:
    before = drafted([step(0, 2), step(2, 9)])
    known = Acknowledged().with_record(before.record_digest)
    known = known.with_steps(s.key for s in before.steps)
    planned = plan(drafted([step(0, 2), step(1, 4), step(2, 9)]), known)

    assert ["4"] == [s.record["TrangThai"] for s in planned.late]
    assert () == planned.steps


def test_sends_a_withdrawal_that_was_told_late_as_the_last_word() -> None:
    course = [step(0, 2), step(4, 4, reopens=True)]
    withdrawn = step(2, 7, stated_at=START + 6 * HOUR, finished_at=START + 2 * HOUR)
    before = drafted(course)
    known = Acknowledged().with_record(before.record_digest)
    known = known.with_steps(s.key for s in before.steps)
    wanted = drafted([*course, withdrawn])
    planned = plan(wanted, known)

    assert ("4", "7") == (before.record["TrangThaiHoSo"], wanted.record["TrangThaiHoSo"])
    assert (True, ["7"], ()) == (
        planned.changed,
        [s.record["TrangThai"] for s in planned.late],
        planned.steps,
    )
    assert ["2", "7"] == [s.record["TrangThai"] for s in wanted.steps]


def test_believes_the_portal_over_its_memory() -> None:
    wanted = drafted(steps(2, 4))
    held = wanted.record | {"DanhSachTienDo": [wanted.steps[0].record]}
    other = wanted.record | {"TrangThaiHoSo": "2"}

    assert Acknowledged() == after_look_up(Acknowledged(True, "x"), None, wanted.record)
    assert wanted.record_digest == after_look_up(Acknowledged(), held, wanted.record).record
    assert 1 == len(after_look_up(Acknowledged(), held, wanted.record).steps)
    assert "" == after_look_up(Acknowledged(), other, wanted.record).record
    assert "" == after_look_up(Acknowledged(), {"MaHoSo": CODE}, wanted.record).record


def test_a_step_shown_with_another_time_is_not_sent_again() -> None:
    wanted = drafted([step(0, 2, occurred_at=START + 7000), step(1, 4), step(2, 9)])
    known = Acknowledged().with_record(wanted.record_digest)
    known = known.with_steps(s.key for s in wanted.steps)
    shown = [
        s.record | {"ThoiDiemXuLy": s.record["ThoiDiemXuLy"][:12] + "00"} for s in wanted.steps
    ]
    all_there = wanted.record | {"DanhSachTienDo": shown}
    one_lost = wanted.record | {"DanhSachTienDo": shown[:2]}

    assert "07" == wanted.steps[0].at[12:]
    assert plan(wanted, after_look_up(known, all_there, wanted.record)).empty
    assert "" == not_kept(wanted, known, all_there)
    assert [wanted.steps[2]] == list(
        plan(wanted, after_look_up(known, one_lost, wanted.record)).steps
    )
    assert "step 9 of 20240108100000" == not_kept(wanted, known, one_lost)


def test_reads_what_a_version_before_has_stored() -> None:
    before = b'[1,"abc",["20240108080000:2"]]'

    assert Acknowledged(True, "abc", frozenset({"20240108080000:2"})) == decode(before)


@given(event_sets, st.randoms(use_true_random=False))
def test_any_order_of_events_gives_one_valid_draft(
    events: list[DossierEvent], rnd: random.Random
) -> None:
    events = [replace(e, procedure="1.001612", channel=Channel.DIRECT) for e in events]
    shuffled = events[:]
    rnd.shuffle(shuffled)
    for code, dossier in merge_all(events).items():
        found = draft(dossier, SIMPLE.statuses, NAMES)

        assert found == draft(merge_all(shuffled)[code], SIMPLE.statuses, NAMES)
        if isinstance(found, Draft):
            assert (
                str(int(current_status(dossier, SIMPLE.statuses))) == found.record["TrangThaiHoSo"]
            )
            assert fault_of_record(found.record) is None
            assert not any(fault_of_step(s.record) for s in found.steps)
            assert sorted(s.at for s in found.steps) == [s.at for s in found.steps]


def test_writes_times_of_viet_nam() -> None:
    assert "20240108080000" == wire_time(START)
