"""Files of SQLite stores as the URLs that name stores, and back."""

from pathlib import Path
from urllib.parse import quote, unquote

_START = "sqlite:///"


def url_of(file: Path) -> str:
    """Return the URL of a file, whatever letters its path has: `%` and `?` mean more in a URL."""
    return _START + quote(str(file), safe="/ ")


def file_of(url: str) -> Path:
    """Return the file that a URL of SQLite names."""
    return Path(unquote(url.removeprefix(_START).partition("?")[0]))
