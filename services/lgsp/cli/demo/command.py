"""`lgsp demo`: the whole way from a portal to the IOC and the national portal, on the twin."""

import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from lgsp.cli.demo.compare import Differences, compare_national, compare_truth
from lgsp.cli.demo.flow import Bars, deliver
from lgsp.cli.demo.report import print_report
from lgsp.cli.figures.questions import open_figures
from lgsp.cli.services.stack import Stack, free_port
from lgsp.cli.services.up import claim
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.figures import Scope
from lgsp.domain.period import parse_period
from lgsp.runtime.commands.options import Json, begin
from lgsp.runtime.commands.output import emit_json
from lgsp.runtime.settings import Settings
from lgsp.runtime.stopping.signals import StopSignal
from lgsp.simulation.spec import RECEIVED, ProvinceSpec
from lgsp.simulation.truth import PROFILE
from lgsp.simulation.twin import simulate
from lgsp.store.figures.answers import Question

DEFAULT_SCALE = 0.05
_PERIOD = "2024-H1"
_CONCURRENCY = 32  # dossiers on their way at once: the portal is our own mock, next door
_OUTSIDE = ("broker", "store", "national_url")


def register(app: typer.Typer) -> None:
    """Add `lgsp demo`."""

    @app.command("demo")
    def demo(
        scale: Annotated[
            float, typer.Option(help="Share of the 171,997 dossiers; 1: all.", min=0.0001, max=1)
        ] = DEFAULT_SCALE,
        serve: Annotated[
            bool | None,
            typer.Option("--serve/--no-serve", help="Keep the page up (default: on a terminal)."),
        ] = None,
        data: Annotated[
            Path | None, typer.Option(help="Folder of the demo's state (made anew).")
        ] = None,
        json: Json = False,
    ) -> None:
        """Lạng Sơn, first half of 2024: from portal files to the rates and the national portal.

        Exits 1 when a figure or a dossier on the national portal differs from the truth.
        """
        served = sys.stdout.isatty() if serve is None else serve
        report = _demo(scale, data, serve=served, json=json)
        raise typer.Exit(0 if report["equal"] else 1)


def _demo(scale: float, data: Path | None, *, serve: bool, json: bool) -> dict[str, Any]:
    wanted = begin("demo")
    if found := [f"LGSP_{name.upper()}" for name in _OUTSIDE if getattr(wanted, name)]:
        raise ConfigurationError(
            f"the demo starts everything itself on this machine: unset {', '.join(found)}"
        )
    overrides = _overrides(wanted, data or wanted.data / "demo")
    settings = begin("demo", **overrides)
    stages = Stages()
    stack = Stack(settings, overrides, quiet=True)
    with claim(settings, fresh=True), StopSignal() as stopping:
        try:
            stopping.interrupts = True
            with Bars(Console(stderr=True)) as bars:
                with stages.timed("start"), bars.waiting("broker and services"):
                    stack.start(stopping)
                report = _run(scale, settings, stack, stages, bars, overrides)
            stopping.interrupts = False
            report["seconds"] = stages.seconds
            if json:
                emit_json(report)
            else:
                print_report(report)
            if serve and not stopping():
                sys.stderr.write(f"ready: {stack.url} (Ctrl-C ends it)\n")
                while not stopping():
                    stack.keep_alive()
                    time.sleep(0.2)
        finally:
            stopping.interrupts = False
            stack.stop()
    return report


class Stages:
    """Wall seconds by stage, in order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, stage: str) -> Any:
        """Time what happens inside."""
        began = time.monotonic()
        yield
        self.seconds[stage] = round(time.monotonic() - began, 1)


def _overrides(wanted: Settings, data: Path) -> dict[str, Any]:
    """Give the demo's own settings; a port that somebody else uses must not stop it."""
    names = ("broker_port", "feed_port", "mock_port", "metrics_port")
    ports = {name: free_port(getattr(wanted, name)) for name in names}
    own = {"data": data, "national_concurrency": _CONCURRENCY, "profile": PROFILE.name}
    return own | ports


def _run(
    scale: float,
    settings: Settings,
    stack: Stack,
    stages: Stages,
    bars: Bars,
    overrides: dict[str, Any],
) -> dict[str, Any]:
    spec = ProvinceSpec(province=settings.province, dossiers=max(1, round(RECEIVED * scale)))
    twin = settings.data / "twin"
    shutil.rmtree(twin, ignore_errors=True)
    with stages.timed("twin"):
        truth = simulate(spec, twin, bars.of("dossiers made"))
    with stages.timed("deliver"):
        delivery = deliver(
            settings,
            twin,
            truth.rows["rows"],
            truth.endings.total(),
            bars,
            stack.keep_alive,
            overrides,
        )
    stages.seconds |= delivery.seconds
    with stages.timed("compare"):
        with open_figures(settings) as figures:
            found = figures.indicators(
                Question(parse_period(_PERIOD), Scope(unit=settings.province))
            ).document()
        differences = Differences()
        compare_truth(found, truth, differences)
        national = compare_national(
            settings.national_base, twin, differences, bars.of("dossiers compared")
        )
    if delivery.records != truth.rows["rows"]:
        raise FatalError(f"the connector read {delivery.records} of {truth.rows['rows']} rows")
    return {
        "scale": scale,
        "dossiers": truth.endings.total(),
        "events": delivery.events,
        "figures": found,
        "national": national,
        "differences": differences.shown(),
        "equal": not differences.found,
    }
