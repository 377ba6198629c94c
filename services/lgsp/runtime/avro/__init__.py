"""The bytes of the log: Avro in Confluent framing, one record at a time or in columns."""
