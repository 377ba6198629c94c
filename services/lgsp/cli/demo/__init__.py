"""The demo: a simulated province end to end, compared with its own truth."""
