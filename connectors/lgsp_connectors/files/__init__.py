"""Files dropped in a folder: CSV and JSON lines, plain or gzipped, mapped by YAML."""

from lgsp_connectors.files.connector import Files, FilesSettings

__all__ = ["Files", "FilesSettings"]
