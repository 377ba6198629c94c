"""Left of the log: connectors that turn portals into dossier events."""
