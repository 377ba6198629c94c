"""Kafka: topics and their administration, producer, readers, bulk ways in and out."""
