"""The documents say what the code is: generated tables, links, commands, names."""

import re
from fnmatch import fnmatch
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from lgsp.cli.docs import pages

ROOT = Path(__file__).parents[2]
SKIPPED = {".venv", ".venv-tools", ".venv-bench", ".git", ".lgsp", "node_modules", ".pytest_cache"}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def documents() -> list[Path]:
    return sorted(
        path for path in ROOT.rglob("*.md") if not SKIPPED & set(path.relative_to(ROOT).parts)
    )


def anchors(path: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in HEADING.findall(text)
    }


@pytest.mark.parametrize("name", pages())
def test_generated_file_is_current(name: str) -> None:
    assert pages()[name] == (ROOT / name).read_text("utf-8"), f"{name} is stale: run `make docs`"


def test_every_decision_is_in_the_index_under_its_title() -> None:
    folder = ROOT / "docs/adr"
    listed = dict(
        reversed(pair)
        for pair in re.findall(
            r"\[([^\]]+)\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text()
        )
        if not pair[0].isdigit()
    )
    titles = {
        path.name: path.read_text("utf-8").splitlines()[0].split(". ", 1)[1]
        for path in folder.glob("[0-9]*.md")
    }
    assert titles == listed


def test_every_decision_has_every_part() -> None:
    parts = ["**Status:**", "## Context", "## Options", "## Decision", "## Consequences", "Bad:"]
    decisions = list((ROOT / "docs/adr").glob("[0-9]*.md"))
    missing = [
        (path.name, part)
        for path in decisions
        for part in parts
        if part not in path.read_text("utf-8")
    ]
    assert decisions
    assert missing == []


def test_every_connector_has_a_page() -> None:
    names = {entry.name for entry in entry_points(group="lgsp.connectors")}
    have = {path.stem for path in (ROOT / "docs/connectors").glob("*.md")}
    assert names
    assert set() == names - have


def test_every_relative_link_leads_somewhere() -> None:
    broken, followed = [], 0
    for document in documents():
        text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
        for target in LINK.findall(text):
            if re.match(r"[a-z]+:", target):
                continue
            followed += 1
            name, _, anchor = target.partition("#")
            path = (document.parent / name).resolve() if name else document
            if not path.exists() or (anchor and anchor not in anchors(path)):
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert followed > 50
    assert broken == []


def test_readme_names_every_folder() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    ignored = [".git", *(ROOT / ".gitignore").read_text().split()]
    folders = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and not any(fnmatch(path.name, name.rstrip("/")) for name in ignored)
    }
    assert {"services", "connectors", "schemas", "tests"} < folders
    assert {folder for folder in folders if f"`{folder}/`" not in readme} == set()


def test_every_make_target_that_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for document in documents()
        for target in re.findall(
            r"(?:^|`)make ([a-z0-9-]+)", document.read_text("utf-8"), re.MULTILINE
        )
    }
    assert named
    assert set() == named - targets


def test_every_command_that_documents_name_exists() -> None:
    from typer.main import get_command

    from lgsp.cli import build

    known = set(get_command(build()).commands)  # type: ignore[attr-defined]
    named = {
        command
        for document in documents()
        for command in re.findall(
            r"(?:^|`|/)lgsp ([a-z][a-z-]+)", document.read_text("utf-8"), re.MULTILINE
        )
    }
    assert named
    assert set() == named - known
