"""Plumbing shared by every process: settings, logs, metrics, topics, codec, Kafka, health."""
