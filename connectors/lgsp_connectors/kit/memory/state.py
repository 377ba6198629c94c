"""Files of what a connector remembers on this machine: they save work, and may be lost."""

from pathlib import Path


def state_file(data: Path, portal: str, what: str) -> Path:
    """Give the place of what a portal's connector remembers of `what` in the data folder."""
    return data / "connectors" / f"{portal}.{what}"
