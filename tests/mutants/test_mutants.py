"""The list of mutants fits the code: `make mutants` tries them, this keeps them from rotting."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.mutants import ROOT, Mutant, load


@pytest.mark.parametrize("mutant", load(), ids=lambda mutant: mutant.promise)
def test_each_mutant_still_fits_one_place_and_is_another_program(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text("utf-8")
    changed = ast.dump(ast.parse(mutant.applied(source)))

    assert ast.dump(ast.parse(source)) != changed
    assert mutant.tests
    assert [name for name in mutant.tests if not Path(ROOT, name).exists()] == []


def test_no_mutant_names_what_is_not_there(tmp_path: Path) -> None:
    for number, mutant in enumerate(load()):
        changed = mutant.applied((ROOT / mutant.file).read_text("utf-8"))
        (tmp_path / f"{number}_{Path(mutant.file).name}").write_text(changed, "utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821,F823,E9"]
    done = subprocess.run([*ruff, tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_no_promise_stands_twice() -> None:
    promises = [mutant.promise for mutant in load()]

    assert len(promises) == len(set(promises)) >= 20
