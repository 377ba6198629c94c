"""Tries every mutant, two at a time: `python -m tests.mutants [WORD…]`; exit 1 if one survives.

With words: only the mutants whose promise or file has one of them.
"""

import os
import queue
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.mutants.mutants import ROOT, Mutant, Outcome, Tree, load


def main(words: list[str]) -> int:
    """Try the mutants; return the exit code."""
    console = Console(width=140)
    chosen = [m for m in load() if not words or any(w in m.promise + m.file for w in words)]
    for mutant in chosen:
        mutant.applied((ROOT / mutant.file).read_text("utf-8"))  # each fits, before any is tried
    jobs = min(len(chosen), len(os.sched_getaffinity(0)), 4)
    with tempfile.TemporaryDirectory(prefix="lgsp-mutants-") as folder:
        trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()
        for number in range(jobs):
            trees.put(Tree(Path(folder, str(number))))
        every = sorted({test for mutant in chosen for test in mutant.tests})
        tree = trees.get()
        whole = tree.run([*every, "-n", str(jobs)])
        trees.put(tree)
        if whole.by:
            console.print(whole.output, markup=False, highlight=False)
            console.print(f"without any mutant the tests fail already: {whole.by}")
            return 1

        def attempt(mutant: Mutant) -> Outcome:
            tree = trees.get()
            try:
                return tree.try_out(mutant)
            finally:
                trees.put(tree)

        with ThreadPoolExecutor(jobs) as pool:
            outcomes = list(pool.map(attempt, chosen))
    table = Table("promise", "broken in", "killed by", "s")
    for mutant, outcome in zip(chosen, outcomes, strict=True):
        by = outcome.by.rpartition("::")[2] if outcome.killed else f"SURVIVED {outcome.by}"
        cells = (mutant.promise, mutant.file.rpartition("/")[2], by, f"{outcome.seconds:.0f}")
        table.add_row(*map(escape, cells))  # the name of a test may have brackets
    console.print(table)
    alive = [(m, o) for m, o in zip(chosen, outcomes, strict=True) if not o.killed]
    for mutant, outcome in alive:
        if outcome.by:
            console.print(mutant.promise, outcome.output[-3000:], markup=False, highlight=False)
    console.print(f"{len(chosen) - len(alive)} of {len(chosen)} mutants killed")
    return 1 if alive or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
