"""Dead letters: rejected records, parked with their cause, listed and replayed."""
