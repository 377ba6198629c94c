"""Commands on the log: its broker, topics and schemas, rejected records, published cells."""
