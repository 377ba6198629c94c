"""The list of mutants fits the code: `make mutants` tries them, this keeps them from rotting."""

import ast
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


def test_no_promise_stands_twice() -> None:
    promises = [mutant.promise for mutant in load()]

    assert len(promises) == len(set(promises))
