"""Evidence of what was sent to a receiver and answered: rows in a chain of hashes. Pure."""
