"""The store of record: dossiers, cells, offsets and the sync queue in SQLite or PostgreSQL."""
