"""Where evidence is kept: tables of its own, in a file of its own with SQLite; never made anew."""
