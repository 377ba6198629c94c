"""What a connector has on the log: events, checkpoints, its lease on a portal, its status."""
