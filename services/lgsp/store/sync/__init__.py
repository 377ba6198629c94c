"""The sync's queue: dossiers that wait for the national portal, and what it has acknowledged."""
