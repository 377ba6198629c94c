"""What listens on a port of ours: how many may be connected, and for how long."""
