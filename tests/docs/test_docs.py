"""The documents say what the code is: generated tables, links, commands, names."""

import re
from fnmatch import fnmatch
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

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


SPAN = re.compile(r"`([^`\n]+)`")
PROGRAM = re.compile(r"(?:^|[ /|])(lgsp|lgsp-connect) +(.*)")


def commands_named(text: str) -> list[tuple[str, list[str]]]:
    """List the programs with the words behind each, from code spans and the lines of blocks."""
    blocks = re.findall(r"```(?:sh)?\n(.*?)```", text, re.DOTALL)
    inline = SPAN.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line.partition("  #")[0] for block in blocks for line in block.splitlines()]
    found = [PROGRAM.search(line) for line in (*inline, *lines)]
    return [(match[1], re.split(r"[\s=]+", match[2])) for match in found if match]


def test_every_command_and_option_that_documents_name_exists() -> None:
    from typer.main import get_command

    from lgsp.cli import build
    from lgsp_connectors.cli import app

    programs: dict[str, Any] = {"lgsp": get_command(build()), "lgsp-connect": get_command(app)}
    unknown, named = [], 0
    for document in documents():
        if document.name == "CHANGELOG.md":
            continue  # what was called so then
        for program, words in commands_named(document.read_text("utf-8")):
            command, named = programs[program], named + 1
            while words and hasattr(command, "commands"):
                word = words.pop(0)
                if not re.fullmatch("[a-z][a-z-]*", word):
                    break
                if word not in command.commands:
                    unknown.append(f"{document.name}: {program} {word}")
                    break
                command = command.commands[word]
            options = {
                name for part in command.params for name in (*part.opts, *part.secondary_opts)
            }
            given = [word for word in words if re.fullmatch("--[a-z-]+", word)]
            unknown += [
                f"{document.name}: {program} {command.name} {option}"
                for option in given
                if not hasattr(command, "commands") and option not in {*options, "--help"}
            ]
    assert named > 100
    assert unknown == []


def test_every_unit_that_documents_name_exists() -> None:
    units = {path.stem for path in (ROOT / "deploy/systemd").glob("*.service")}
    named = {
        unit
        for document in documents()
        for line in re.findall(r"systemctl [a-z-]+ ([^\n`#]+)", document.read_text("utf-8"))
        for unit in line.split()
        if unit.startswith("lgsp")
    }
    assert named
    assert {unit for unit in named if re.sub(r"@.*", "@", unit) not in units} == set()


def test_every_row_stands_in_a_table() -> None:
    """A blank line ends a table: what follows is shown as bare text."""
    loose = [
        f"{document.relative_to(ROOT)}: {row[:60]}"
        for document in documents()
        for row, after in re.findall(
            r"^\n(\|[^\n]*)\n([^\n]*)",
            re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL),
            re.MULTILINE,
        )
        if not re.match(r"\|[ :|-]+\|?$", after)
    ]
    assert loose == []
