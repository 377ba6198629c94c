"""From a YAML file to a connector: found by entry point, so outside packages plug in."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.documents.document import Document
from lgsp.runtime.documents.faults import Faults, nearest
from lgsp.runtime.documents.reading import read_document
from lgsp_connectors.kit.config import Head, read_head, read_settings
from lgsp_connectors.kit.contract import Connector, Context, Seal
from lgsp_connectors.kit.fingerprint import fingerprint

GROUP = "lgsp.connectors"


def installed() -> dict[str, EntryPoint]:
    """Give the installed connectors by name, in order of name."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point for point in found}


class Start(NamedTuple):
    """What the author of a new portal starts from.

    Args:
        yaml: text of a YAML.
        sample: text of a file that it reads, `sample_name` beside it; "": the connector has none.
    """

    yaml: str
    sample: str


def start_of(connector: str, portal: str) -> Start:
    """Give what the author of a new portal of this connector starts from.

    Raises:
        ConfigurationError: no such connector, it cannot be loaded, or it brings no starter.
    """
    points = installed()
    if connector not in points:
        raise ConfigurationError(f"no connector {connector!r}{nearest(connector, points)}")
    try:
        kind = points[connector].load()
    except Exception as error:
        raise ConfigurationError(f"{connector} {_broken(error)}") from error
    yaml: str = getattr(kind, "starter", "")
    sample: str = getattr(kind, "sample", "")
    if not yaml:
        raise ConfigurationError(f"connector {connector!r} brings no starter: see its page")
    return Start(yaml.replace("{name}", portal), sample.replace("{name}", portal))


def sample_name(portal: str) -> str:
    """Name the sample of a portal; no glob of exports finds it."""
    return f"{portal}.sample"


@dataclass(frozen=True)
class ConfiguredConnector:
    """A validated YAML: what to run and how; `build` makes the connector itself."""

    document: Document
    head: Head
    factory: Any
    settings: Any

    def build(self, clock: Callable[[], int], seal: Seal | None) -> Connector:
        """Make the connector; ConfigurationError when its mapping does not compile."""
        context = Context(
            self.head.portal,
            self.head.province,
            self.document,
            clock,
            seal,
            self.document.path.parent,
        )
        connector: Connector = self.factory(self.settings, context)
        return connector

    def refuse_sample(self) -> None:
        """See that the YAML does not read the sample: its dossiers are made up.

        Raises:
            ConfigurationError: it does.
        """
        source = self.document.data.get("source")
        path = source.get("path") if isinstance(source, dict) else None
        if isinstance(path, str) and Path(path).name == sample_name(self.head.portal):
            raise self.document.error(
                ("source", "path"),
                "names the sample that `new` wrote, whose dossiers are made up: name your files",
            )

    def fingerprint(self) -> str:
        """Tell one way to read records from another: not by the run, nor by the source's keys."""
        data = {k: v for k, v in self.document.data.items() if k not in {"run", "source"}}
        return fingerprint(data, self.document.path.parent)


def read_config(path: Path) -> ConfiguredConnector:
    """Read and validate a connector's YAML.

    Raises:
        ConfigurationError: naming file, line and key of every fault.
    """
    document = read_document(path)
    if document.faults and not document.data:
        raise ConfigurationError(document.faults)  # no key can be judged
    faults = Faults()
    faults.found += document.faults
    head = factory = settings = None
    with faults.gathered():
        head = read_head(document)
    with faults.gathered():
        factory = _factory(document)
        settings = read_settings(document, factory.settings) if factory else None
    faults.found.sort(key=lambda fault: fault.line)
    faults.raise_all()
    if head is None or settings is None:
        raise AssertionError  # without them there are faults
    return ConfiguredConnector(document, head, factory, settings)


def _factory(document: Document) -> Any:
    """Load the connector that the YAML names; None when it names none (a fault of the head)."""
    name = document.data.get("connector")
    if not isinstance(name, str):
        return None
    points = installed()
    if name not in points:
        raise document.error(("connector",), f"no connector {name!r}{nearest(name, points)}")
    try:
        return points[name].load()
    except Exception as error:
        raise document.error(("connector",), f"{name} {_broken(error)}") from error


def _broken(error: Exception) -> str:
    """Say that a package cannot be loaded, whatever its code raised."""
    return f"cannot be loaded: {type(error).__name__}: {error}"
