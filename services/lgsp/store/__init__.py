"""The store of record: dossiers, cells, consumed offsets and sync lanes in SQLite or PostgreSQL."""
