"""From a YAML file to a connector: found by entry point, so outside packages plug in."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from lgsp.domain.errors import ConfigurationError
from lgsp_connectors.kit.config import Document, Head, load_document
from lgsp_connectors.kit.contract import Connector, Context, Seal

GROUP = "lgsp.connectors"


def installed() -> dict[str, EntryPoint]:
    """Give the installed connectors by name, in order of name."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point for point in found}


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


def read_config(path: Path) -> ConfiguredConnector:
    """Read and validate a connector's YAML.

    Raises:
        ConfigurationError: naming file, line and key of every fault.
    """
    document = load_document(path)
    head = document.head()
    points = installed()
    if head.connector not in points:
        raise document.error(
            ("connector",), f"no connector {head.connector!r}; installed: {', '.join(points)}"
        )
    try:
        factory = points[head.connector].load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"connector {head.connector}: cannot load: {error}") from error
    return ConfiguredConnector(document, head, factory, document.settings(factory.settings))
