"""The table of cases names tests that exist, each under the file that it names."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
_ROW = re.compile(r"^\| ([A-Z]\d+) \|(.*)\|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::([\w:]+)`")


def names_in(file: Path) -> set[str]:
    """Return the tests of a file, those of a class behind its name."""
    found = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            inner = (part for part in node.body if isinstance(part, _FUNCTIONS))
            found |= {f"{node.name}::{part.name}" for part in inner}
        elif isinstance(node, _FUNCTIONS):
            found.add(node.name)
    return found


_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def test_each_case_names_tests_that_exist() -> None:
    text = (TESTS / "CASES.md").read_text("utf-8")
    rows = {number: _TEST.findall(rest) for number, rest in _ROW.findall(text)}
    known = {name: names_in(TESTS / name) for name in {f for r in rows.values() for f, _ in r}}

    assert len(rows) > 40
    assert [] == [number for number, tests in rows.items() if not tests]
    assert [] == [
        f"{number}: {file}::{name}"
        for number, tests in rows.items()
        for file, name in tests
        if name not in known[file] or not name.rpartition("::")[2].startswith("test_")
    ]


def test_no_case_stands_twice() -> None:
    numbers = [number for number, _ in _ROW.findall((TESTS / "CASES.md").read_text("utf-8"))]
    assert len(numbers) == len(set(numbers))
