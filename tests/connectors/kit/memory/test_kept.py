"""A large cursor in a file: exactly the one that the log names, or none."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.errors import FatalError
from lgsp_connectors.kit.contract import Cursor
from lgsp_connectors.kit.memory.kept import KeptCursor

cursors = st.lists(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"), max_size=6), min_size=1
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "connectors" / "portal.cursor"


def loaded(file: Path, token: str) -> Cursor | None:
    kept = KeptCursor(file)
    found = kept.load(token)
    kept.close()
    return found


def stored(file: Path, *cursors: Cursor) -> list[str]:
    kept = KeptCursor(file)
    tokens = [kept.store(cursor) for cursor in cursors]
    kept.close()
    return tokens


@given(cursors, st.data())
def test_a_restart_gives_the_cursor_of_the_token(
    tmp_path_factory: pytest.TempPathFactory, pages: list[Cursor], data: st.DataObject
) -> None:
    """Also when the process died between the file and the log, again and again."""
    file = tmp_path_factory.mktemp("kept") / "portal.cursor"
    kept, token, expected = KeptCursor(file), "", Cursor()
    for page in pages:
        named = kept.store(page)
        reached_the_log = data.draw(st.booleans()) or not token
        if reached_the_log:
            token, expected = named, page
        if not reached_the_log or data.draw(st.booleans()):
            kept.close()
            kept = KeptCursor(file)
            assert kept.load(token) == expected
    kept.close()


def test_another_files_token_gives_nothing(file: Path, tmp_path: Path) -> None:
    stored(file, {"a": "1"})
    (other,) = stored(tmp_path / "other", {"a": "1"})
    assert loaded(file, other) is None


def test_a_file_that_is_gone_or_damaged_gives_nothing_and_is_made_anew(file: Path) -> None:
    (token,) = stored(file, {"a": "1"})
    file.write_bytes(b"not a database" * 100)
    assert loaded(file, token) is None
    (token,) = stored(file, {"b": "2"})
    assert loaded(file, token) == {"b": "2"}
    file.unlink()
    assert loaded(file, token) is None


def test_a_log_that_was_set_back_gives_nothing(file: Path) -> None:
    """The file knows more than the log: what it says was read may not be on the log any more."""
    first, *_ = stored(file, {"a": "1"}, {"a": "2"}, {"a": "3"})
    assert loaded(file, first) is None


def test_a_file_that_lost_its_last_turns_is_an_older_cursor(file: Path) -> None:
    first, _, last = stored(file, {"a": "1"}, {"a": "2"}, {"a": "3"})
    with sqlite3.connect(file) as database:
        database.execute("UPDATE meta SET turn = 1")
        database.execute("UPDATE entries SET value = '1'")
    database.close()
    assert loaded(file, last) == loaded(file, first) == {"a": "1"}


def test_only_what_changed_is_written(file: Path) -> None:
    kept = KeptCursor(file)
    cursor = {f"inbox/{i}.csv": "done" * 20 for i in range(20_000)}
    kept.store(cursor)
    kept.close()
    before = file.stat().st_size
    kept = KeptCursor(file)
    token = kept.store(cursor)  # a new process that never loaded begins anew
    for i in range(50):
        cursor = cursor | {"inbox/0.csv": str(i)}
        token = kept.store(cursor)
    kept.close()
    assert file.stat().st_size < before * 1.1
    assert loaded(file, token) == cursor


def test_only_its_owner_may_read_it(file: Path) -> None:
    stored(file, {"a": "1"})
    assert file.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "connectors").write_text("a file")
    with pytest.raises(FatalError, match="cannot be written"):
        KeptCursor(tmp_path / "connectors" / "p.cursor").store({"a": "1"})
