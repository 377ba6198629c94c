"""The transition table: what may follow what, and what takes effect."""

from dataclasses import replace

import pytest

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import Status, Verdict

S = Status
STATUSES = SIMPLE.statuses


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (S.REGISTERED, S.RECEIVED, Verdict.LEGAL),
        (S.REGISTERED, S.PROCESSED, Verdict.SKIPPED),
        (S.RECEIVED, S.RESULT_RETURNED, Verdict.SKIPPED),
        (S.PROCESSING, S.RESULT_RETURNED, Verdict.SKIPPED),
        (S.SUPPLEMENT_REQUIRED, S.PROCESSED, Verdict.SKIPPED),
        (S.PROCESSED, S.RESULT_RETURNED, Verdict.LEGAL),
        (S.PROCESSED, S.PROCESSING, Verdict.ILLEGAL),
        (S.PROCESSED, S.WITHDRAWN, Verdict.ILLEGAL),
        (S.RESULT_RETURNED, S.PROCESSED, Verdict.ILLEGAL),
        (S.RESULT_RETURNED, S.STOPPED, Verdict.ILLEGAL),
        (S.RECEIVED, S.REGISTERED, Verdict.ILLEGAL),
        (S.PROCESSING, S.REFUSED, Verdict.ILLEGAL),
        (S.WITHDRAWN, S.PROCESSING, Verdict.LEGAL),
    ],
)
def test_table(old: Status, new: Status, expected: Verdict) -> None:
    assert STATUSES.verdict(old, new) is expected


def test_codes_are_the_national_ones() -> None:
    assert [s.value for s in Status] == list(range(11))


@pytest.mark.parametrize("old", sorted(STATUSES.ended))
def test_only_the_sources_word_reopens_an_ended_dossier(old: Status) -> None:
    assert STATUSES.verdict(old, S.PROCESSING) is Verdict.ILLEGAL
    assert STATUSES.verdict(old, S.PROCESSING, reopens=True) is Verdict.REOPENED


def test_repeating_a_status_is_legal() -> None:
    assert all(STATUSES.verdict(s, s) is Verdict.LEGAL for s in STATUSES.next)


def test_a_table_without_a_status_is_refused() -> None:
    some: dict[Status, frozenset[Status]] = dict(STATUSES.next)
    del some[S.STOPPED]
    with pytest.raises(ValueError, match="next must name"):
        replace(STATUSES, next=some)
