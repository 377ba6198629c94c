"""What stands in a source: told once, over when it is gone, never known better than the log."""

from pathlib import Path

import pytest

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp_connectors.kit.memory.met import LaterWord, Met
from lgsp_connectors.kit.memory.standing import StandingRejects


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "connectors" / "portal.rejects"


def begun(path: Path | None = None, token: str = "") -> StandingRejects:
    standing = StandingRejects(path)
    standing.resume(token)
    return standing


def kept(standing: StandingRejects, *met: Met) -> str:
    """Tell a page; give the token of the checkpoint that is stored."""
    standing.meet(met)
    standing.prepare()
    token = standing.token()
    standing.keep()
    return token


A, B = Met("a", "f"), Met("b", "f")


def test_is_told_once_also_after_a_restart(file: Path) -> None:
    standing = begun(file)
    kept(standing, A)
    token = kept(standing, A, B)
    standing.close()

    again = begun(file, token)
    assert again.meet([A, B, Met("c"), Met("c"), Met("a", "f", "another cause")]) == [
        False,
        False,
        True,
        False,
        True,
    ]
    assert file.stat().st_mode & 0o077 == 0
    again.close()


@pytest.mark.parametrize("stored", [False, True])
def test_what_a_page_changed_holds_if_its_checkpoint_was_stored(
    file: Path, *, stored: bool
) -> None:
    standing = begun(file)
    token = kept(standing, A, Met("c"))
    standing.begin(["f"])
    standing.meet([B])
    standing.read(["f"])
    standing.prepare()
    if stored:
        token = standing.token()
    standing.close()  # the process dies

    again = begun(file, token)
    assert again.over() == (["a"] if stored else ["b"])  # b may be open on the log
    assert again.meet([A, B, Met("c")]) == [stored, not stored, False]
    again.close()


def test_what_was_prepared_and_not_stored_is_not_true_later(file: Path) -> None:
    standing = begun(file)
    token = kept(standing, A)
    standing.meet([B])
    standing.prepare()
    standing.close()  # before the checkpoint

    again = begun(file, token)
    token = kept(again)
    assert again.over() == ["b"]
    again.closed()
    token = kept(again, Met("c"))
    again.close()
    last = begun(file, token)
    assert last.meet([A, B, Met("c")]) == [False, True, False]
    last.close()


@pytest.mark.parametrize("back", [0, 1])
def test_a_log_that_was_set_back_makes_it_forget(file: Path, back: int) -> None:
    standing = begun(file)
    tokens = ["", kept(standing, A)]
    kept(standing, B)
    standing.close()

    again = StandingRejects(file)
    assert again.resume(tokens[back])
    assert again.meet([A, B]) == [True, True]
    again.close()


def test_the_memory_of_another_installation_is_forgotten(file: Path) -> None:
    token = kept(begun(), A)
    standing = begun(file)
    kept(standing, A)
    assert standing.resume(token)
    assert standing.meet([A]) == [True]
    standing.close()


def test_a_second_process_of_the_portal_is_refused(file: Path) -> None:
    standing = begun(file)
    with pytest.raises(FatalError, match="another process reads this portal"):
        StandingRejects(file)
    standing.close()


def test_a_file_that_is_none_of_ours_is_refused_with_the_way_out(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigurationError, match="move it away"):
        StandingRejects(file)


def test_what_is_over_is_closed_after_a_death_that_came_before_it_was(file: Path) -> None:
    standing = begun(file)
    kept(standing, A, B)
    standing.begin(["f"])
    standing.meet([B])
    standing.read(["f"])
    token = kept(standing)
    assert standing.over() == ["a"]
    standing.close()  # before the log has it

    again = begun(file, token)
    assert again.pending
    assert again.over() == ["a"]
    again.closed()
    token = kept(again)
    again.close()
    last = begun(file, token)
    assert last.over() == []
    assert last.meet([A]) == [True]
    last.close()


def test_what_came_back_after_such_a_death_is_not_closed(file: Path) -> None:
    standing = begun(file)
    kept(standing, A)
    standing.begin(["f"])
    standing.read(["f"])
    token = kept(standing)
    standing.close()

    again = begun(file, token)
    assert again.meet([A]) == [True]
    token = kept(again)
    assert again.over() == []
    again.close()
    last = begun(file, token)
    assert last.over() == []
    last.close()


def test_a_file_put_back_after_a_death_keeps_its_letters(file: Path) -> None:
    """What the dead process read of it holds no more, and it is not read from its start again."""
    standing = begun(file)
    token = kept(standing, A)
    standing.begin(["f"])
    standing.read(["f"])
    standing.prepare()
    standing.close()

    again = begun(file, token)
    again.read(["f"])
    assert again.over() == []
    assert again.meet([A]) == [False]
    again.close()


def test_a_letter_stands_while_its_bytes_stand_in_any_file() -> None:
    standing = begun()
    kept(standing, A, Met("a", "g"))
    standing.begin(["f"])
    standing.read(["f"])
    assert standing.over() == []
    standing.begin(["g"])
    standing.read(["g"])
    assert standing.over() == ["a"]


def test_a_file_read_on_closes_no_letter_of_what_was_read_of_it_before() -> None:
    standing = begun()
    kept(standing, A, Met("whole", "f", bare=True))
    standing.read(["f"])
    assert standing.over() == ["whole"]


def test_a_file_has_one_fault_as_a_whole() -> None:
    standing = begun()
    kept(standing, A, Met("its header", "f", bare=True))
    standing.meet([Met("torn", "f", bare=True)])
    assert standing.over() == ["its header"]


def test_what_was_lost_with_its_file_stays_until_it_stands_in_another_one() -> None:
    standing = begun()
    kept(standing, A)
    standing.lose(["f"])
    assert standing.over() == []
    assert standing.meet([Met("a", "g")]) == [False]
    standing.begin(["g"])
    standing.read(["g"])
    assert standing.over() == ["a"]


def test_of_two_files_the_one_that_is_gone_holds_no_letter() -> None:
    standing = begun()
    kept(standing, A, Met("a", "g"))
    standing.lose(["f"])
    standing.begin(["g"])
    standing.read(["g"])
    assert standing.over() == ["a"]


@pytest.mark.parametrize(
    ("met", "word", "over"),
    [
        (Met("a", "f", code="x", stated=5), LaterWord("g", 6), True),
        (Met("a", "f", code="x", stated=5), LaterWord("g", 5), True),
        (Met("a", "f", code="x", stated=5), LaterWord("g", 4), False),
        (Met("a", "f", code="x"), LaterWord("g", 4), True),
        (Met("a", "f", code="x", stated=5), LaterWord("g", 0), True),
        (Met("a", "f", code="y", stated=5), LaterWord("g", 6), False),
        (Met("a", "", code="x", stated=5), LaterWord("", 4), True),
        (Met("a", "f", code="x", stated=5, held=True), LaterWord("f", 6), False),
        (Met("a", "f", code="x", stated=5, held=True), LaterWord("g", 6), True),
        (Met("a", "", code="x", stated=5, held=True), LaterWord("", 6), False),
    ],
)
def test_a_later_word_of_the_dossier_makes_up_for_it(
    met: Met, word: LaterWord, *, over: bool
) -> None:
    standing = begun()
    kept(standing, met)
    standing.use({"x": [word]})
    assert standing.over() == ["a"] * over


def test_a_record_of_no_file_is_over_by_its_own_id_or_by_its_bytes() -> None:
    standing = begun()
    kept(standing, Met("a", own="1"), Met("b", own="2"), Met("c"), Met("d", "f", own="1"))
    standing.use({}, {"1", ""}, {"b", "d"})
    assert sorted(standing.over()) == ["a", "b"]


def test_a_complete_listing_of_no_file_holds_all_that_stands() -> None:
    standing = begun()
    standing.begin_listing("one")
    kept(standing, Met("a"), Met("b"))
    standing.begin_listing("one")
    standing.listed("", 9)
    assert standing.over() == []
    standing.begin_listing("two")
    standing.meet([Met("b")])
    standing.listed("", 9)
    assert standing.over() == ["a"]


def test_of_a_listing_that_began_before_the_memory_nobody_knows_what_it_held() -> None:
    standing = StandingRejects()
    standing.resume("", under_way=True)
    standing.adopt([Met("a")])
    standing.begin_listing("one")
    standing.listed("", 9)
    assert standing.over() == []
    standing.begin_listing("two")
    standing.listed("", 9)
    assert standing.over() == ["a"]


def test_a_complete_file_holds_all_that_was_stated_before() -> None:
    standing = begun()
    refused = Met("refused", "h", bare=True, listed=8)
    kept(standing, A, Met("b", "g", listed=9), Met("later", "h", listed=10), refused)
    standing.listed("g", 9)
    assert standing.over() == ["a"]
    standing.lose(["h"])
    standing.listed("g", 9)
    assert standing.over() == ["a", "refused"]


def test_letters_of_others_are_taken_over_and_told_once_more_when_met() -> None:
    standing = begun()
    kept(standing, A)
    standing.adopt([A, Met("b", "f", code="x"), Met("c", code="x")])
    assert standing.meet([A]) == [False]
    standing.use({"x": [LaterWord("g", 9)]})
    assert standing.over() == ["c"]
    assert standing.meet([B]) == [True]
    standing.begin(["f"])
    standing.read(["f"])
    assert sorted(standing.over()) == ["a", "b", "c"]
