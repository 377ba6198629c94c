"""A YAML file's lines and faults."""

from pathlib import Path

import pytest

from lgsp.runtime.documents.reading import read_document


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "d.yaml"


def test_every_key_and_item_has_its_line(file: Path) -> None:
    file.write_text("a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n")
    document = read_document(file)

    assert document.faults == []
    assert document.data == {"a": {"b": 1, "c": ["x", {"d": 2}]}}
    assert document.lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("a", "c", 1, "d"): 5,
    }
    assert document.where(("a", "c", 1, "e")) == f"{file}:5: a.c.1.e"


def test_what_is_at_fault_is_left_out_and_the_rest_is_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", "value")
    monkeypatch.delenv("NOT_HERE", raising=False)
    file.write_text(
        "a: ${HERE}-x\nb: ${NOT_HERE}\nc: 1\nc: 2\nd: 2024-13-01\n? [e]\n: 1\n"
        "l: [1, '${NOT_HERE}', !mine 3, 4]\n"
    )
    document = read_document(file)

    assert document.data == {"a": "value-x", "c": 1, "l": [1, None, None, 4]}
    assert document.written == {("a",): "${HERE}-x"}
    assert [(fault.line, fault.key) for fault in document.faults] == [
        (2, "b"),
        (4, "c"),
        (5, "d"),
        (6, ""),
        (8, "l.1"),
        (8, ""),
    ]


def test_a_list_is_read_where_one_is_expected(file: Path) -> None:
    file.write_text("- a\n- b: 1\n")
    assert read_document(file, list).data == ["a", {"b": 1}]
    assert [str(fault) for fault in read_document(file).faults] == [
        f"{file}:1: a mapping of keys is expected"
    ]
    file.write_text("# nothing\n")
    assert read_document(file, list).data == []
    assert [fault.message for fault in read_document(file).faults] == [
        "a mapping of keys is expected"
    ]
