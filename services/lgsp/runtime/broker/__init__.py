"""The embedded broker: genuine Apache Kafka, one node, without Docker."""
