"""The options of `lgsp reconcile`."""

import re
from pathlib import Path
from typing import Annotated

import typer

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.domain.reconciliation.held import Claim
from lgsp.runtime.commands.options import MOST

Against = Annotated[
    Path | None, typer.Option(help="A list of the national side, CSV or XLSX: answer each line.")
]
MappingFile = Annotated[
    Path | None,
    typer.Option("--mapping", help="YAML that says what the list's header does not."),
]
Claimed = Annotated[
    Claim | None,
    typer.Option("--claim", help="What the list claims of each line, where none says it."),
]
AsOf = Annotated[str, typer.Option(help="When the list was made; empty: now.")]
Report = Annotated[Path | None, typer.Option(help="Write the answers to a list as .csv or .xlsx.")]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", help="Write what can be mended from here: what is sent, and why."),
]
ApplyFile = Annotated[
    Path | None, typer.Option("--apply", help="Carry a plan out, or go on with it.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --apply: only show it.")]
Worklist = Annotated[
    Path | None,
    typer.Option(help="Write what cannot be mended from here, by who has to act (.csv, .xlsx)."),
]
Calls = Annotated[int | None, typer.Option(help="Most look-ups of this run.", min=1, max=MOST)]
Within = Annotated[
    str, typer.Option(help="Most time of this run: 90s, 30m, 2h; the next one goes on.")
]
Unit = Annotated[str, typer.Option(help="Only dossiers of this unit and below.")]
PeriodName = Annotated[
    str, typer.Option("--period", help="Only dossiers received in this period.")
]
Anew = Annotated[
    bool, typer.Option("--anew", help="Compare all again, also what a run before has compared.")
]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, None: 1}


def seconds_of(text: str) -> float | None:
    """Read a duration; None: no bound.

    Raises:
        ConfigurationError: it is none.
    """
    if not text:
        return None
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        message = "is no duration: write 90s, 30m, 2h"
        raise ConfigurationError([Fault(message=message, key="--within", value=text)])
    return float(found[1]) * _SECONDS[found[2]]
