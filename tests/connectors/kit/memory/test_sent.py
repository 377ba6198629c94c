"""The memory of what is on the log: it never knows more than the log, and may be lost."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.errors import FatalError
from lgsp_connectors.kit.memory import sent as module
from lgsp_connectors.kit.memory.sent import Sent

IDS = [bytes([i]) * 16 for i in range(9)]
ONE, TWO, THREE = [IDS[1]], [IDS[2]], [IDS[3]]


def kept(sent: Sent, ids: list[bytes]) -> str:
    """Send a page; give the token of the checkpoint that is stored."""
    sent.fresh(ids)
    token = sent.token()
    sent.keep()
    return token


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "connectors" / "portal.sent"


def reopened(file: Path, token: str) -> Sent:
    sent = Sent(file)
    sent.resume(token)
    return sent


def test_is_known_after_a_restart(file: Path) -> None:
    sent = Sent(file)
    sent.resume("")
    kept(sent, ONE)
    token = kept(sent, [*ONE, *TWO])
    sent.close()

    again = reopened(file, token)
    assert set(THREE) == again.fresh([*ONE, *TWO, *THREE])
    assert file.stat().st_mode & 0o077 == 0
    again.close()


def test_what_was_not_kept_is_not_known(file: Path) -> None:
    sent = Sent(file)
    sent.resume("")
    token = kept(sent, ONE)
    sent.fresh(TWO)  # and the process dies before the checkpoint
    sent.close()

    again = reopened(file, token)
    assert set(TWO) == again.fresh([*ONE, *TWO])
    again.close()


def test_a_page_whose_checkpoint_was_stored_and_not_kept_is_sent_again(file: Path) -> None:
    sent = Sent(file)
    sent.resume("")
    kept(sent, ONE)
    sent.fresh(TWO)
    token = sent.token()  # in the checkpoint; then the process dies
    sent.close()

    again = reopened(file, token)
    assert set(TWO) == again.fresh([*ONE, *TWO])
    token = kept(again, [])
    assert not kept(again, THREE) < token
    again.close()


@pytest.mark.parametrize("back", [0, 1])
def test_a_log_that_was_set_back_makes_it_forget(file: Path, back: int) -> None:
    sent = Sent(file)
    sent.resume("")
    tokens = ["", kept(sent, ONE)]
    kept(sent, TWO)
    sent.close()

    again = reopened(file, tokens[back])
    assert {*ONE, *TWO} == again.fresh([*ONE, *TWO])
    again.close()


def test_the_memory_of_another_installation_is_forgotten(file: Path) -> None:
    other = Sent()
    other.resume("")
    token = kept(other, ONE)
    sent = Sent(file)
    sent.resume("")
    kept(sent, ONE)
    sent.close()

    again = reopened(file, token)
    assert set(ONE) == again.fresh(ONE)
    again.close()


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_torn_end_costs_repeats_only(file: Path, cut: int) -> None:
    sent = Sent(file)
    sent.resume("")
    kept(sent, ONE)
    token = kept(sent, TWO)
    sent.close()
    os.truncate(file, file.stat().st_size - cut)

    again = reopened(file, token)
    assert set(TWO) <= again.fresh([*ONE, *TWO])
    token = kept(again, THREE)
    again.close()
    last = reopened(file, token)
    assert last.fresh([*ONE, *TWO, *THREE]) <= {*ONE, *TWO}
    last.close()


def test_a_second_process_of_the_portal_is_refused(file: Path) -> None:
    sent = Sent(file)
    with pytest.raises(FatalError, match="another process reads this portal"):
        Sent(file)
    sent.close()


def test_a_full_disk_costs_repeats_only(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(file)
    sent.resume("")
    monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    kept(sent, ONE)
    assert set(TWO) == sent.fresh([*ONE, *TWO])
    sent.close()


@given(st.lists(st.lists(st.binary(min_size=16, max_size=16) | st.sampled_from(IDS)), max_size=8))
def test_equals_a_set(pages: list[list[bytes]]) -> None:
    before, module._MERGE = module._MERGE, 3
    try:
        sent, known = Sent(), set[bytes]()
        sent.resume("")
        for page in pages:
            assert set(page) - known == sent.fresh(page)
            known |= set(page)
            sent.keep()
    finally:
        module._MERGE = before
