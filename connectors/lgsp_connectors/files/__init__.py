"""Files dropped in a folder: CSV, JSON and workbooks, plain or gzipped, mapped by YAML."""

from lgsp_connectors.files.connector import Files
from lgsp_connectors.files.settings import FilesSettings

__all__ = ["Files", "FilesSettings"]
