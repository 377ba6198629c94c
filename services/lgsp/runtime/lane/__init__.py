"""The lane: a processor's way through the log, batch by batch, position and state together."""
