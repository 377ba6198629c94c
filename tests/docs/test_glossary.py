"""The glossary names what the code has, each word once, and retired words stay retired."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs/glossary.md"
CODE = ("services", "connectors", "schemas")
ALL = (*CODE, "benchmarks", "tests")

RETIRED = {
    "LANES": "QUEUE: a dossier waits in the sync queue",
    "SYNC_LANES": "SYNC_QUEUE",
    "SyncLanes": "SyncQueue",
    "count_lanes": "count_known",
    "PortalState": "Liveness",
    "effective_steps": "effective_transitions",
    "rows_of_states": "rows_of_encoded",
    "write_states": "write_dossiers",
    "hurried": "connect_options",
    "patiently": "connect_with_retries",
    "told": "translate_error, or the verb of what is done",
    "_told": "translate_error, or the verb of what is done",
    "_tell": "the verb of what is done",
    "hand_over_bare": "use_raw_records",
    "tend": "keep_alive",
    "park": "write, write_rejects: only a dossier is parked",
    "park_rejects": "write_rejects",
    "park_record": "write_record",
    "replaying": "catching_up: only dead letters are replayed",
    "replay_all": "fold_shares: only dead letters are replayed",
    "background_checkpoints": "background_wal_checkpoints",
    "await_that": "wait_until",
    "quick_encode_event": "encode_event_fast",
    "PROFILE_VERSION": "the profile's own version",
    "SUSPENDING": "statuses.suspending: the profile is an argument",
    "NOT_RECEIVED": "statuses.not_received: the profile is an argument",
    "ENDED": "statuses.ended: the profile is an argument",
    "measures_of": "measures.behind: the profile is an argument",
    "check_profile": "profile_named",
}
"""Identifiers that must not come back, and what to write instead."""

SHARED = {
    "Catalogue": "the national portal's, as the client and as the mock knows it",
    "Source": "the `source:` block of each connector",
    "_OwnedPartition": "what each of two lane handlers keeps of a partition",
}
"""Class names that several modules define, because they mean the same thing there."""


@cache
def parsed(*roots: str) -> dict[str, ast.Module]:
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
        for root in roots
        for path in sorted((ROOT / root).rglob("*.py"))
    }


def identifiers(node: ast.AST) -> Iterator[str]:
    match node:
        case (
            ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name)
        ):
            yield name
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield name
        case ast.keyword(arg=str(name)) | ast.alias(asname=str(name)):
            yield name


def members(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                for target in item.targets if isinstance(item, ast.Assign) else ():
                    if isinstance(target, ast.Name):
                        yield f"{node.name}.{target.id}"


def known_names() -> set[str]:
    """Identifiers, members of enums, packages, and texts that are names (counts, columns)."""
    names = {part for path in parsed(*CODE) for part in Path(path).with_suffix("").parts}
    for tree in parsed(*CODE).values():
        names.update(members(tree))
        for node in ast.walk(tree):
            names.update(identifiers(node))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    return names


def rows() -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    heads: list[str] = []
    for line in GLOSSARY.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or set(line) <= set("|-"):
            heads = heads if line.startswith("|") else []
        elif heads:
            found.append(dict(zip(heads, cells, strict=True)))
        else:
            heads = cells
    return found


def test_every_code_name_is_in_the_code() -> None:
    names = known_names()
    wanted = [name for row in rows() for name in re.findall(r"`([^`]+)`", row["Code name"])]

    assert len(wanted) > len(rows()) // 2
    assert [name for name in wanted if name not in names] == []


def test_every_word_and_every_code_name_stands_once() -> None:
    words = Counter(row.get("Word") or row["Vietnamese"] for row in rows())
    machinery = [row for row in rows() if "Word" in row]
    codes = Counter(row["Code name"] for row in machinery)

    assert [word for word, count in words.items() if count > 1] == []
    assert [code for code, count in codes.items() if count > 1] == []
    assert [row["Word"] for row in machinery if row["Code name"].count("`") != 2] == []


def test_no_retired_word_is_an_identifier() -> None:
    back = {
        f"{path}:{getattr(node, 'lineno', 1)}: {name}: write {RETIRED[name]}"
        for path, tree in parsed(*ALL).items()
        for node in ast.walk(tree)
        for name in identifiers(node)
        if name in RETIRED and not path.startswith("tests/docs/")
    }

    assert sorted(back) == []


def test_a_class_name_means_one_thing() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path, tree in parsed(*CODE).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(path)
    doubled = {name: sorted(paths) for name, paths in places.items() if len(paths) > 1}

    assert {name: paths for name, paths in doubled.items() if name not in SHARED} == {}
    assert sorted(set(SHARED) - set(doubled)) == []
