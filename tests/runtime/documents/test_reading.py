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
        "a: ${HERE}-x\nb: ${NOT_HERE}\nc: 1\nc: 2\nd: ${HERE:-y}\n? [e]\n: 1\n"
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


@pytest.mark.parametrize(
    "word",
    [
        *("no", "NO", "Yes", "on", "off", "True", "NULL", "010", "0x1F", "1_000", "+5", "-0"),
        *("1.001610", "1.10", ".5", "1e3", "1:30", "24:00", "2024-01-01", "2024-13-01", ".inf"),
        *("NaN", ".nan", "007", "12345678901234567890.5", "="),
    ],
)
def test_a_word_is_what_is_written(file: Path, word: str) -> None:
    file.write_text(f"a: {word}\nb: [{word}]\n{word}: c\n")
    document = read_document(file)

    assert document.faults == []
    assert document.data == {"a": word, "b": [word], word: "c"}


def test_a_number_is_one_where_it_is_written_as_it_is_shown(file: Path) -> None:
    file.write_text("a: [1, -2, 0.02, 1.001612, true, false, null, ~]\n1: x\ntrue: y\n~: z\n")

    assert read_document(file).data == {
        "a": [1, -2, 0.02, 1.001612, True, False, None, None],
        "1": "x",
        "true": "y",
        "~": "z",
    }


@pytest.mark.parametrize("text", ["${HERE:-x}", "${HE RE}", "${}", "a ${HERE", "${HERE} ${-}"])
def test_only_a_name_in_braces_is_a_variable(
    file: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", "value")
    file.write_text(f"a: '{text}'\n")

    assert [str(fault) for fault in read_document(file).faults] == [
        f"{file}:1: a: only ${{NAME}} stands for an environment variable"
    ]


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("a:\n\tb: 1\n", "blanks, not by tabs"),
        ("a:\n  b: 1\n   c: 2\n", "begin in one column"),
        ("a:\n  b: 1\n c: 2\n", "begin in one column"),
        ("a: x: y\n", "stands in quotes"),
        ('a: "C:\\desk"\n', "single quotes"),
        ("a: 1\n---\na: 2\n", "one document"),
        ("a: *b\n", "stands in quotes"),
    ],
)
def test_what_is_no_yaml_is_told_with_the_way_out(file: Path, text: str, way_out: str) -> None:
    file.write_text(text)
    assert way_out in str(read_document(file).faults[0])


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
def test_windows_writes_it_and_it_reads_the_same(file: Path, mark: bytes) -> None:
    file.write_bytes(mark + b"a: 1\r\nb:\r\n  c: x\r\n")
    document = read_document(file)
    assert document.data == {"a": 1, "b": {"c": "x"}}
    assert document.lines[("b", "c")] == 3
