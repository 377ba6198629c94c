"""The demo: a simulated province end to end, compared with its own truth."""

from lgsp.cli.demo.command import register

__all__ = ["register"]
