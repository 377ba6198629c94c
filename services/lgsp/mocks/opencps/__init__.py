"""A portal shaped like OpenCPS v2 that serves the province twin, with a clock of its own."""

from collections.abc import Callable
from pathlib import Path

import orjson
import structlog

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import parse_instant
from lgsp.domain.working_time import day_number, day_start_ms
from lgsp.mocks.national.app import run
from lgsp.mocks.national.faults import FaultScript, load_faults
from lgsp.mocks.opencps.app import build_app
from lgsp.mocks.opencps.clock import PortalClock
from lgsp.mocks.opencps.portal import OpenCpsPortal
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.simulation import ProvinceSpec, Truth, spec_from
from lgsp.simulation.dossiers import closing_instant, twin_dossiers
from lgsp.simulation.truth import FILE

__all__ = ["OpenCpsPortal", "PortalClock", "build_app", "open_portal", "run_opencps"]

_log = structlog.get_logger()


def open_portal(
    spec: ProvinceSpec, *, as_of: int | None = None, speed: float = 0
) -> tuple[OpenCpsPortal, PortalClock, Truth]:
    """Make the twin and stand at `as_of` (ms UTC).

    `as_of` None: the period's end, or its beginning when the clock runs (`speed` simulated seconds
    a second).
    """
    calendar = load_calendar()
    if as_of is None:
        as_of = day_start_ms(day_number(spec.first)) if speed else closing_instant(spec)
    clock = PortalClock(as_of, speed)
    dossiers = list(twin_dossiers(spec, calendar))
    truth = Truth(spec, calendar.version)
    for dossier in dossiers:
        truth.add(dossier)
    return OpenCpsPortal(dossiers, clock.now), clock, truth


def run_opencps(
    *,
    host: str,
    port: int,
    faults: Path | None,
    dir: Path | None,  # noqa: A002 - the name of the option
    dossiers: int,
    seed: int,
    as_of: str | None,
    speed: float,
    on_ready: Callable[[str], None] = lambda _: None,
) -> int:
    """Serve the mock until SIGTERM or SIGINT; return the exit code.

    A folder written by `lgsp simulate province` gives the spec of the twin, which is made again
    from it; `dossiers` and `seed` count without a folder. `as_of` is ISO 8601. `on_ready` is told
    the URL when the port is open.
    """
    spec = ProvinceSpec(dossiers=dossiers, seed=seed) if dir is None else _spec_in(dir)
    script = load_faults(faults) if faults else FaultScript()
    at = None if as_of is None else parse_instant(as_of)
    portal, clock, truth = open_portal(spec, as_of=at, speed=speed)
    app = build_app(portal, clock, truth.document(), script=script)
    _log.info("twin_made", received=truth.counts()["received"])
    return run(app, host, port, on_ready)


def _spec_in(folder: Path) -> ProvinceSpec:
    path = folder / FILE
    try:
        return spec_from(orjson.loads(path.read_bytes())["spec"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: no twin: {error}") from error
