"""From a YAML file to a connector: found by entry point, so outside packages plug in."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.documents import Document, read_document
from lgsp.runtime.faults import Faults, nearest
from lgsp_connectors.kit.config import Head, read_head, read_settings
from lgsp_connectors.kit.contract import Connector, Context, Seal
from lgsp_connectors.kit.fingerprint import fingerprint

GROUP = "lgsp.connectors"


def installed() -> dict[str, EntryPoint]:
    """Give the installed connectors by name, in order of name."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point for point in found}


def starter_of(connector: str, portal: str) -> str:
    """Give the YAML from which the author of a new portal of this connector starts.

    Raises:
        ConfigurationError: no such connector, or it brings no starter.
    """
    points = installed()
    if connector not in points:
        raise ConfigurationError(f"no connector {connector!r}{nearest(connector, points)}")
    starter: str = getattr(points[connector].load(), "starter", "")
    if not starter:
        raise ConfigurationError(f"connector {connector!r} brings no starter: see its page")
    return starter.replace("{name}", portal)


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
    except (ImportError, AttributeError) as error:
        raise document.error(("connector",), f"{name} cannot be loaded: {error}") from error
