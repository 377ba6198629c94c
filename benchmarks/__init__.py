"""The performance harness: one event set, our service and its peers on the same job, in turns."""
