"""Dead letters: rejected records, kept with their cause, listed and replayed."""
