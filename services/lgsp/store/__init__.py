"""The store of record: dossiers, cells, offsets and sync lanes in SQLite or PostgreSQL."""
