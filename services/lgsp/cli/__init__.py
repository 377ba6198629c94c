"""The `lgsp` command."""
