"""The rates: dossiers and day cells, folded from the log in one transaction a batch."""
